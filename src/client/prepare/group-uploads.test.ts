import { expect, it } from 'vitest';
import {
  answerWell,
  createManualTransport,
  type HeldRequest,
  type ManualTransport,
  wireError,
} from '../../../test/support/manual-transport.ts';
import { createClientOn } from '../client.ts';
import type { Client } from '../types.ts';
import { groupUploads } from './group-uploads.ts';
import { withPrepare } from './with-prepare.ts';

const text = (name: string, size = 5) => new File(['x'.repeat(size)], name, { type: 'text/plain' });

function start(): { client: Client; manual: ManualTransport } {
  const manual = createManualTransport();
  return { manual, client: createClientOn({ endpoint: '/uploads', transport: manual.transport, random: () => 0 }) };
}

/** Refuses files of this name for as long as `isRefused` says so. */
const serve = (isRefused: (fileName: string) => boolean) => (held: HeldRequest) => {
  const [file] = (held.json?.files ?? []) as { fileName: string }[];
  if (file && isRefused(file.fileName)) held.answer(403, wireError('forbidden', false));
  else answerWell(held);
};

it('groupUploads() combines the progress, and resolves with the result of each', async () => {
  const { client, manual } = start();
  manual.serve(answerWell);
  const group = groupUploads({
    original: client.upload('files', text('a.txt', 30)),
    thumbnail: client.upload('files', text('b.txt', 12)),
  });
  const first = group.getSnapshot();
  expect(first).toMatchObject({ status: 'queued', loaded: 0, total: 42, failed: [], error: null });
  expect(group.getSnapshot()).toBe(first);
  let changes = 0;
  const stop = group.subscribe(() => changes++);
  const { original, thumbnail } = await group.done;
  expect(original.file.key).not.toBe(thumbnail.file.key);
  expect(group.getSnapshot()).toMatchObject({ status: 'done', loaded: 42, total: 42 });
  expect(changes).toBeGreaterThan(2);
  stop();
});

it('a group has failed when one upload has failed and the others are done, and retry() sends only that one', async () => {
  const { client, manual } = start();
  let refused = true;
  manual.serve(serve((fileName) => refused && fileName === 'b.txt'));
  const group = groupUploads({
    original: client.upload('files', text('a.txt')),
    // Another call, because grants of one call are requested together.
    thumbnail: withPrepare(client, { prepare: async (file) => file }).upload('files', text('b.txt')),
  });
  await expect(group.done).rejects.toMatchObject({ code: 'forbidden' });
  expect(group.getSnapshot()).toMatchObject({
    status: 'failed',
    failed: ['thumbnail'],
    error: { code: 'forbidden' },
    uploads: { original: { status: 'done' }, thumbnail: { status: 'failed' } },
  });
  refused = false;
  const sentBefore = manual.sent.filter(({ method }) => method === 'PUT').length;
  group.retry();
  await group.done;
  expect(group.getSnapshot()).toMatchObject({ status: 'done', failed: [], error: null });
  expect(manual.sent.filter(({ method }) => method === 'PUT').length).toBe(sentBefore + 1);
});

it('a group is paused, continued and aborted as a whole', async () => {
  const { client, manual } = start();
  const group = groupUploads({
    a: client.upload('files', text('a.txt')),
    b: client.upload('files', text('b.txt')),
  });
  group.pause();
  expect(group.getSnapshot().status).toBe('paused');
  group.resume();
  expect(group.getSnapshot().status).toBe('queued');
  group.abort();
  expect(group.getSnapshot()).toMatchObject({ status: 'aborted', failed: ['a', 'b'], error: { code: 'aborted' } });
  await expect(group.done).rejects.toMatchObject({ code: 'aborted' });
  expect(manual.sent.some(({ method }) => method === 'PUT')).toBe(false);
});
