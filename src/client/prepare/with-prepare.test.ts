import { expect, it } from 'vitest';
import { answerWell, createManualTransport } from '../../../test/support/manual-transport.ts';
import { createClientOn } from '../client.ts';
import type { Client, FileLike } from '../types.ts';
import { prepareImage } from './prepare-image.ts';
import type { Prepare, PrepareContext } from './types.ts';
import { withPrepare } from './with-prepare.ts';

const chosen = new File(['chosen'], 'chosen.txt', { type: 'text/plain', lastModified: 1 });
const prepared = new File(['prepared'], 'prepared.txt', { type: 'text/plain', lastModified: 1 });

function start(prepare: Prepare) {
  const manual = createManualTransport();
  const base: Client = createClientOn({ endpoint: '/uploads', transport: manual.transport, random: () => 0 });
  return { manual, base, client: withPrepare(base, { prepare }) };
}

/** A preparation that the test ends. */
function held() {
  const calls: { context: PrepareContext; resolve: (file: File) => void; reject: (error: unknown) => void }[] = [];
  const waiting: (() => void)[] = [];
  return {
    calls,
    /** Resolves when `count` preparations have begun. */
    begun: (count: number) =>
      new Promise<void>((resolve) => {
        const check = () => calls.length >= count && resolve();
        waiting.push(check);
        check();
      }),
    prepare: (_: File, context: PrepareContext) =>
      new Promise<File>((resolve, reject) => {
        calls.push({ context, resolve, reject });
        for (const check of waiting) check();
      }),
  };
}

it('upload() declares and sends the prepared file', async () => {
  const { manual, client } = start(async () => prepared);
  manual.serve(answerWell);
  const upload = client.upload('files', chosen);
  expect(upload.getSnapshot()).toMatchObject({ status: 'queued', fileName: 'chosen.txt', size: 6, total: null });
  await upload.done;
  expect(upload.getSnapshot()).toMatchObject({
    status: 'done',
    fileName: 'prepared.txt',
    size: 8,
    loaded: 8,
    total: 8,
  });
  const [declared] = manual.sent.flatMap(({ body }) => (body ? (JSON.parse(body).files ?? []) : []));
  expect(declared).toMatchObject({ fileName: 'prepared.txt', size: 8 });
  const put = manual.sent.find(({ method }) => method === 'PUT');
  expect(await put?.source?.blob?.text()).toBe('prepared');
});

it('upload() gives prepare() the name and type of its options, and a Blob or bytes as a File', async () => {
  const seen: { name: string; type: string; size: number }[] = [];
  const { manual, client } = start(async (file) => {
    seen.push({ name: file.name, type: file.type, size: file.size });
    return file;
  });
  manual.serve(answerWell);
  await client.upload('files', chosen, { fileName: 'other.txt' }).done;
  await client.upload('files', new Uint8Array(3), { fileName: 'bytes.txt', contentType: 'text/plain' }).done;
  await client.upload('files', new Blob(['ab'], { type: 'text/plain' })).done;
  expect(seen).toEqual([
    { name: 'other.txt', type: 'text/plain', size: 6 },
    { name: 'bytes.txt', type: 'text/plain', size: 3 },
    { name: 'file', type: 'text/plain', size: 2 },
  ]);
});

it.each([
  ['a stream', new ReadableStream() as FileLike],
  ['a source without a Blob', { size: 1, fileName: 'a.txt', read: async () => new Uint8Array(1) }],
  ['nothing', undefined as unknown as FileLike],
])('upload() of %s fails with source_unreadable, and sends nothing', async (_, file) => {
  const { manual, client } = start(async (given) => given);
  manual.serve(answerWell);
  await expect(client.upload('files', file).done).rejects.toMatchObject({ code: 'source_unreadable' });
  expect(manual.sent.some(({ method }) => method === 'PUT')).toBe(false);
});

it('pause() stops a preparation, and resume() begins it again', async () => {
  const { calls, begun, prepare } = held();
  const { manual, client } = start(prepare);
  manual.serve(answerWell);
  const upload = client.upload('files', chosen);
  await begun(1);
  expect(upload.getSnapshot().status).toBe('preparing');
  upload.pause();
  expect(upload.getSnapshot().status).toBe('paused');
  expect(calls[0]?.context.signal.aborted).toBe(true);
  upload.resume();
  await begun(2);
  // The result of the stopped preparation is not used.
  calls[0]?.resolve(new File(['late'], 'late.txt'));
  calls[1]?.resolve(prepared);
  await upload.done;
  expect(upload.getSnapshot().fileName).toBe('prepared.txt');
});

it('pause() and resume() also act while the prepared file is sent, on this client and on the one below', async () => {
  const { manual, base, client } = start(async () => prepared);
  const upload = client.upload('files', chosen);
  const sending = async () => {
    for (;;) {
      const request = await manual.next();
      if (request.request.method === 'PUT') return request;
      answerWell(request);
    }
  };
  await sending();
  upload.pause();
  expect(upload.getSnapshot().status).toBe('paused');
  upload.resume();
  await sending();
  base.pause();
  expect(upload.getSnapshot().status).toBe('paused');
  upload.resume();
  manual.serve(answerWell);
  await upload.done;
  expect(upload.getSnapshot().status).toBe('done');
});

it('retry() prepares again after a failed preparation, and not after a failed upload', async () => {
  let prepares = 0;
  const { manual, client } = start(async () => {
    if (++prepares === 1) throw new Error('no memory');
    return prepared;
  });
  let refused = true;
  manual.serve((request) => {
    if (request.json?.files && refused)
      request.answer(403, { error: { code: 'forbidden', message: '', retryable: false } });
    else answerWell(request);
  });
  const upload = client.upload('files', chosen);
  await expect(upload.done).rejects.toMatchObject({ code: 'source_unreadable' });
  upload.retry();
  await expect(upload.done).rejects.toMatchObject({ code: 'forbidden' });
  refused = false;
  upload.retry();
  await upload.done;
  expect(prepares).toBe(2);
});

it('abort() of the client ends uploads that are being prepared, and nothing is sent', async () => {
  const { begun, prepare } = held();
  const { manual, client } = start(prepare);
  manual.serve(answerWell);
  const uploads = client.uploadAll('files', [chosen, chosen, chosen]);
  await begun(2);
  client.abort();
  for (const upload of uploads) await expect(upload.done).rejects.toMatchObject({ code: 'aborted' });
  expect(manual.sent.every(({ url }) => url.includes('/routes/'))).toBe(true);
});

it('uploadAll() of more files than the route allows prepares none of them', async () => {
  let prepares = 0;
  const { manual, client } = start(async (file) => {
    prepares++;
    return file;
  });
  manual.serve(answerWell);
  const uploads = client.uploadAll('files', Array(101).fill(chosen));
  for (const upload of uploads) await expect(upload.done).rejects.toMatchObject({ code: 'too_many_files' });
  expect(prepares).toBe(0);
});

it.each([
  ['an unknown option', { maxwidth: 5 }],
  ['a width of 0', { maxWidth: 0 }],
  ['a quality of 85', { quality: 85 }],
  ['a type that browsers do not encode', { contentType: 'image/avif' }],
  ['a crop without a width', { crop: { x: 0, y: 0, height: 1 } }],
])('prepareImage() refuses %s with config_invalid', (_, options) => {
  expect(() => prepareImage(options as never)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
});

it('prepareImage() is described by its options, regardless of their order', () => {
  const { description } = prepareImage({ maxWidth: 5, quality: 0.5 });
  expect(prepareImage({ quality: 0.5, maxWidth: 5 }).description).toBe(description);
  expect(prepareImage({ quality: 0.5, maxWidth: 6 }).description).not.toBe(description);
});
