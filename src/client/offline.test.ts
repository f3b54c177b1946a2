/** The platform's report of its connection is only a hint: it may stay wrong. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import {
  answerWell,
  createManualTransport,
  type ManualTransport,
  routeInfo,
} from '../../test/support/manual-transport.ts';
import { createClientOn } from './client.ts';

let manual: ManualTransport;
beforeEach(() => {
  manual = createManualTransport();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const file = () => new File(['hello'], 'hello.txt', { type: 'text/plain' });
const never = new Promise<void>(() => {});
const turn = () => new Promise((resolve) => setImmediate(resolve));

it('an upload is completed although navigator.onLine is false', async () => {
  vi.stubGlobal('navigator', { onLine: false });
  vi.stubGlobal('addEventListener', () => {});
  manual.serve(answerWell);
  await createClientOn({ endpoint: '/uploads', transport: manual.transport }).upload('files', file()).done;
});

it('an upload without a connection is tried again after 1 to 30 seconds, with the reason in the snapshot', async () => {
  const client = createClientOn({ endpoint: '/uploads', transport: manual.transport, online: () => never, retries: 0 });
  const upload = client.upload('files', file());
  for (const seconds of [1, 2, 4, 8, 16, 30, 30]) {
    (await manual.next(/routes/)).fail();
    while (upload.getSnapshot().waiting !== 'offline') await turn();
    await vi.advanceTimersByTimeAsync(seconds * 1000 - 1);
    expect(manual.pending).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1);
  }
  (await manual.next(/routes/)).answer(200, routeInfo);
  manual.serve(answerWell);
  await upload.done;
});

it('an abort ends the wait', async () => {
  const client = createClientOn({ endpoint: '/uploads', transport: manual.transport, online: () => never });
  const upload = client.upload('files', file());
  (await manual.next(/routes/)).fail();
  while (upload.getSnapshot().waiting !== 'offline') await turn();
  upload.abort();
  await expect(upload.done).rejects.toMatchObject({ code: 'aborted' });
  await turn();
  expect(vi.getTimerCount()).toBe(0);
});

it('the answer of a proxy does not count as a lost connection', async () => {
  const client = createClientOn({ endpoint: '/uploads', transport: manual.transport, online: () => never, retries: 0 });
  const upload = client.upload('files', file());
  (await manual.next(/routes/)).answer(502, '<html>');
  await expect(upload.done).rejects.toMatchObject({ code: 'network_error', status: 502 });
});
