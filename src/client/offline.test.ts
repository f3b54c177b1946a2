/** What the platform says of its connection is a hint: it may be wrong for ever. */
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

it('an upload is stored although navigator.onLine is false', async () => {
  vi.stubGlobal('navigator', { onLine: false });
  vi.stubGlobal('addEventListener', () => {});
  manual.serve(answerWell);
  await createClientOn({ endpoint: '/uploads', transport: manual.transport }).upload('files', file()).done;
});

it('after a failure it is tried again in growing intervals of at most 30 seconds, and the snapshot says why it waits', async () => {
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

it('an answer from a proxy is not taken for a lost connection', async () => {
  const client = createClientOn({ endpoint: '/uploads', transport: manual.transport, online: () => never, retries: 0 });
  const upload = client.upload('files', file());
  (await manual.next(/routes/)).answer(502, '<html>');
  await expect(upload.done).rejects.toMatchObject({ code: 'network_error', status: 502 });
});
