import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  answerWell,
  completedOf,
  createManualTransport,
  grantOf,
  type HeldRequest,
  type ManualTransport,
  routeInfo,
  wireError,
} from '../../test/support/manual-transport.ts';
import { createClientOn } from './client.ts';
import type { Client, ClientOptions, Source, Upload } from './types.ts';

const file = () => new File(['hello'], 'hello.txt', { type: 'text/plain' });
const endpoint = 'https://app.example/uploads';

let manual: ManualTransport;
let now: number;

beforeEach(() => {
  manual = createManualTransport();
  now = 0;
});

afterEach(() => {
  vi.useRealTimers();
});

function clientWith(options: Partial<ClientOptions> = {}): Client {
  return createClientOn({ endpoint, transport: manual.transport, now: () => now, random: () => 0, ...options });
}

/** Answers for the route and the grant. Returns the request to the storage. */
async function untilSending(grant = grantOf()): Promise<HeldRequest> {
  (await manual.next(/routes/)).answer(200, routeInfo);
  (await manual.next(/POST .*uploads$/)).answer(200, { uploads: [grant] });
  return manual.next(/PUT|POST https:..store/);
}

/** Waits by turns of the event loop, because vi.waitFor would move the fake clock. */
async function turnsUntil(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

function statuses(upload: Upload): string[] {
  const seen: string[] = [];
  upload.subscribe(() => {
    const { status } = upload.getSnapshot();
    if (status !== seen.at(-1)) seen.push(status);
  });
  return seen;
}

describe('upload()', () => {
  it('asks for the route, declares the file, sends the File itself, and completes the upload', async () => {
    const picked = file();
    const upload = clientWith().upload('files', picked, { metadata: { album: 1 } });
    const seen = statuses(upload);
    expect(upload.getSnapshot()).toMatchObject({
      status: 'queued',
      fileName: 'hello.txt',
      size: 5,
      loaded: 0,
      total: 5,
    });

    (await manual.next(/^GET https:..app.example.uploads.routes.files$/)).answer(200, routeInfo);
    const granting = await manual.next(/POST/);
    expect(granting.json).toEqual({
      route: 'files',
      transfers: ['form', 'put', 'multipart', 'none'],
      files: [
        {
          fileName: 'hello.txt',
          size: 5,
          contentType: 'text/plain',
          checksum: { algorithm: 'sha256', value: createHash('sha256').update('hello').digest('base64') },
          metadata: { album: 1 },
          idempotencyKey: expect.any(String),
        },
      ],
    });
    const grant = grantOf();
    granting.answer(200, { uploads: [grant] });
    const sending = await manual.next(/PUT/);
    expect(sending.request.url).toBe(grant.request.url);
    expect(sending.request.headers).toEqual(grant.request.headers);
    expect(sending.request.source?.blob).toBe(picked);
    sending.request.onProgress?.(3);
    sending.answer(200);
    const completing = await manual.next(/complete/);
    expect(completing.json).toEqual({ grants: [grant.grant] });
    completing.answer(200, { results: [completedOf(grant.grant, { saved: true })] });

    // The URL is relative to the server, not to the page.
    expect(await upload.done).toEqual({
      file: { key: `stored/${grant.grant}`, url: `https://app.example/files/${grant.grant}` },
      data: { saved: true },
    });
    expect(upload.getSnapshot()).toMatchObject({ status: 'done', loaded: 5, data: { saved: true }, error: null });
    expect(seen).toEqual(['hashing', 'granting', 'queued', 'uploading', 'completing', 'done']);
    expect(Object.isFrozen(upload.getSnapshot())).toBe(true);
    expect(upload.getSnapshot()).toBe(upload.getSnapshot());
  });

  it.each([
    ['too large', new File(['x'.repeat(1001)], 'a.txt', { type: 'text/plain' }), 'file_too_large'],
    ['empty', new File([], 'a.txt', { type: 'text/plain' }), 'file_too_small'],
  ])('refuses a file that is %s before hashing it', async (_, refused, code) => {
    const upload = clientWith().upload('files', refused);
    const seen = statuses(upload);
    (await manual.next(/routes/)).answer(200, routeInfo);
    await expect(upload.done).rejects.toMatchObject({ code, name: 'WaybillError' });
    expect(seen).toEqual(['failed']);
    expect(manual.sent).toHaveLength(1);
  });

  it.each([
    ['IMG_1.HEIC', '', ''],
    ['a.jpg', 'IMAGE/JPEG; charset=binary', 'image/jpeg'],
    ['a.jpg', 'image/*', 'image/*'],
    ['a.pdf', 'application/pdf', 'application/pdf'],
    ['a.png', 'not a type', ''],
  ])(
    'declares %s of type "%s" as "%s", and takes the type that the server resolves',
    async (name, type, contentType) => {
      const source: Source = {
        size: 1,
        fileName: name,
        contentType: type,
        read: async () => new Uint8Array(1),
      };
      const upload = clientWith().upload('files', source);
      (await manual.next(/routes/)).answer(200, routeInfo);
      const granting = await manual.next(/POST/);
      expect(granting.json.files).toMatchObject([{ contentType }]);
      expect(upload.getSnapshot().contentType).toBe(contentType);
      granting.answer(200, { uploads: [grantOf({ contentType: 'image/resolved' })] });
      await manual.next(/PUT/);
      expect(upload.getSnapshot().contentType).toBe('image/resolved');
      upload.abort();
    },
  );

  it('cuts a name to 255 UTF-8 bytes and keeps its extension', async () => {
    const upload = clientWith().upload('files', new File(['x'], `${'界'.repeat(200)}👍.txt`, { type: 'text/plain' }));
    (await manual.next(/routes/)).answer(200, routeInfo);
    const { files } = (await manual.next(/POST/)).json as { files: { fileName: string }[] };
    expect(files[0]?.fileName).toBe(`${'界'.repeat(83)}.txt`);
    expect(upload.getSnapshot().fileName).toBe(files[0]?.fileName);
    upload.abort();
  });

  it('starts two uploads for the same file given twice', async () => {
    const client = clientWith();
    manual.serve(answerWell);
    const picked = file();
    const [a, b] = [client.upload('files', picked), client.upload('files', picked)];
    const [first, second] = await Promise.all([a.done, b.done]);
    expect(a.id).not.toBe(b.id);
    expect(first.file.key).not.toBe(second.file.key);
  });

  it('accepts a Uint8Array', async () => {
    manual.serve(answerWell);
    const upload = clientWith().upload('files', new Uint8Array(7), { fileName: 'seven.txt' });
    await upload.done;
    expect(upload.getSnapshot()).toMatchObject({ fileName: 'seven.txt', size: 7, contentType: 'text/plain' });
  });

  it('sends headers of the app to the app, and never to the storage', async () => {
    manual.serve(answerWell);
    await clientWith({ headers: async () => ({ authorization: 'Bearer t' }) }).upload('files', file()).done;
    for (const { url, headers } of manual.sent) {
      if (url.startsWith(endpoint)) expect(headers.authorization).toBe('Bearer t');
      else expect(headers).not.toHaveProperty('authorization');
    }
    expect(manual.sent).toHaveLength(4);
  });

  it('listens to the progress of forms over 256 KiB only, because listeners cause a preflight', async () => {
    const info = { ...routeInfo, limits: { ...routeInfo.limits, maxBytes: 1e9 } };
    const client = clientWith();
    for (const [size, listens] of [
      [256 * 1024, false],
      [256 * 1024 + 1, true],
    ] as const) {
      const upload = client.upload('files', new Uint8Array(size), { contentType: 'text/plain' });
      if (!listens) (await manual.next(/routes/)).answer(200, info);
      const request = { method: 'POST', url: 'https://store.example/bucket', headers: {}, fields: { key: 'k' } };
      (await manual.next(/POST/)).answer(200, { uploads: [grantOf({ transfer: 'form', request })] });
      const sending = await manual.next(/POST https:..store/);
      expect(sending.request.fields).toEqual({ key: 'k' });
      expect(typeof sending.request.onProgress).toBe(listens ? 'function' : 'undefined');
      upload.abort();
      (await manual.next(/abort/)).answer(200, {});
    }
  });
});

it('createClient() refuses an unknown option', () => {
  const create = () => createClientOn({ endpoint: '/uploads', transport: manual.transport, retry: 2 } as never);
  expect(create).toThrow(
    expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining('retry') }),
  );
});

describe('recovery', () => {
  it('asks for completion after a 412', async () => {
    const upload = clientWith().upload('files', file());
    const grant = grantOf();
    (await untilSending(grant)).answer(412, '<Error><Code>PreconditionFailed</Code></Error>');
    (await manual.next(/complete/)).answer(200, { results: [completedOf(grant.grant)] });
    await upload.done;
  });

  it('asks for completion after an unreadable answer, before the bytes are sent again', async () => {
    const upload = clientWith().upload('files', file());
    const grant = grantOf();
    (await untilSending(grant)).fail();
    (await manual.next(/complete/)).answer(200, { results: [completedOf(grant.grant)] });
    await upload.done;
    expect(manual.sent.filter(({ method }) => method === 'PUT')).toHaveLength(1);
  });

  it('sends bytes that did not arrive again, without another digest or grant', async () => {
    const upload = clientWith().upload('files', file());
    (await untilSending()).fail();
    (await manual.next(/complete/)).answer(409, {
      results: [wireError('object_not_ready', true)],
      ...wireError('object_not_ready', true),
    });
    (await manual.next(/PUT/)).answer(200);
    answerWell(await manual.next(/complete/));
    await upload.done;
  });

  it.each([
    [403, 'AccessDenied'],
    [400, 'ExpiredToken'],
  ])('asks for a new grant, once, when the storage answers %i %s', async (status, code) => {
    const upload = clientWith().upload('files', file());
    const [first, second] = [grantOf(), grantOf()];
    (await untilSending(first)).answer(status, `<Error><Code>${code}</Code></Error>`);
    (await manual.next(/POST .*uploads$/)).answer(200, { uploads: [second] });
    const again = await manual.next(/PUT/);
    expect(again.request.url).toBe(second.request.url);
    expect(upload.getSnapshot()).toMatchObject({ status: 'uploading', error: null });
    again.answer(403, '<Error><Code>AccessDenied</Code></Error>');
    await expect(upload.done).rejects.toMatchObject({ code: 'storage_rejected', status: 403 });
    expect(manual.sent).toHaveLength(5);
  });

  it('asks for a new grant after upload_expired', async () => {
    const upload = clientWith().upload('files', file());
    (await untilSending()).answer(200);
    (await manual.next(/complete/)).answer(410, {
      results: [wireError('upload_expired')],
      ...wireError('upload_expired'),
    });
    (await manual.next(/POST .*uploads$/)).answer(200, { uploads: [grantOf()] });
    (await manual.next(/PUT/)).answer(200);
    answerWell(await manual.next(/complete/));
    await upload.done;
  });

  it('renews a grant that has expired in the queue before it is used', async () => {
    const client = clientWith({ concurrency: 1 });
    const [a, b] = [client.upload('files', file()), client.upload('files', file())];
    (await manual.next(/routes/)).answer(200, routeInfo);
    const [one, two, fresh] = [grantOf(), grantOf(), grantOf()];
    const held: HeldRequest[] = [];
    const asked = await manual.next(/POST/);
    asked.answer(200, { uploads: (asked.json.files as unknown[]).map((_, i) => [one, two][i]) });
    if ((asked.json.files as unknown[]).length === 1) {
      const next = await manual.next();
      const other = await manual.next();
      for (const incoming of [next, other])
        if (incoming.request.method === 'PUT') held.push(incoming);
        else incoming.answer(200, { uploads: [two] });
    } else held.push(await manual.next(/PUT/));
    // Only the client's own clock moves, not the wall clock.
    now = 119_000;
    held[0]?.answer(200);
    const seen = [await manual.next(), await manual.next()];
    expect(seen.map(({ request }) => request.url).sort()).toEqual([`${endpoint}`, `${endpoint}/complete`]);
    for (const incoming of seen)
      if (incoming.request.url === endpoint) incoming.answer(200, { uploads: [fresh] });
      else answerWell(incoming);
    const sending = await manual.next(/PUT/);
    expect(sending.request.url).toBe(fresh.request.url);
    sending.answer(200);
    answerWell(await manual.next(/complete/));
    await Promise.all([a.done, b.done]);
  });

  it('waits longer after each 5xx, with jitter, and respects Retry-After', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const upload = clientWith({ random: () => 0.5, retries: 3 }).upload('files', file());
    let sending = await untilSending();
    for (const [waits, headers] of [
      [250, {}],
      [500, {}],
      [31_000, { 'retry-after': '30' }],
    ] as const) {
      sending.answer(503, '<Error><Code>SlowDown</Code></Error>', headers);
      await turnsUntil(() => upload.getSnapshot().waiting === 'backoff');
      await vi.advanceTimersByTimeAsync(waits - 1);
      expect(manual.pending).toHaveLength(0);
      await vi.advanceTimersByTimeAsync(1);
      sending = await manual.next(/PUT/);
      expect(upload.getSnapshot().waiting).toBe(null);
    }
    sending.answer(503);
    await expect(upload.done).rejects.toMatchObject({ code: 'storage_unavailable' });
  });

  it('asks for completion again after callback_failed, and sends nothing again', async () => {
    const upload = clientWith().upload('files', file());
    (await untilSending()).answer(200);
    (await manual.next(/complete/)).answer(503, {
      results: [wireError('callback_failed', true)],
      ...wireError('callback_failed', true),
    });
    answerWell(await manual.next(/complete/));
    await upload.done;
  });

  it('waits while there is no connection, and does not count this as an attempt', async () => {
    let connect = () => {};
    let connection: Promise<void> | undefined;
    const upload = clientWith({ retries: 0, online: () => connection }).upload('files', file());
    const sending = await untilSending();
    connection = new Promise((resolve) => {
      connect = () => {
        connection = undefined;
        resolve();
      };
    });
    sending.fail();
    (await manual.next(/complete/)).fail();
    await vi.waitFor(() => expect(upload.getSnapshot().waiting).toBe('offline'));
    expect(manual.pending).toHaveLength(0);
    connect();
    answerWell(await manual.next(/complete/));
    await upload.done;
  });

  it('stops a request in which no byte moves', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const upload = clientWith({ retries: 0, stallTimeoutMs: 1000 }).upload('files', file());
    const sending = await untilSending();
    await vi.advanceTimersByTimeAsync(999);
    sending.request.onProgress?.(1);
    await vi.advanceTimersByTimeAsync(999);
    expect(sending.request.signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(sending.request.signal.aborted).toBe(true);
    (await manual.next(/complete/)).answer(409, { results: [wireError('object_not_ready', true)] });
    await expect(upload.done).rejects.toMatchObject({ code: 'timeout', details: { moved: 1 } });
    expect(JSON.stringify(upload.getSnapshot().error)).not.toContain('secret');
  });

  it('fails with source_changed when no byte moves and the file has other bytes', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    let content = 'hello';
    const source: Source = {
      size: 5,
      fileName: 'a.txt',
      contentType: 'text/plain',
      read: async (start, end) => new TextEncoder().encode(content).slice(start, end),
    };
    const upload = clientWith({ retries: 0, stallTimeoutMs: 1000 }).upload('files', source);
    await untilSending();
    content = 'other';
    await vi.advanceTimersByTimeAsync(1000);
    (await manual.next(/complete/)).answer(409, { results: [wireError('object_not_ready', true)] });
    await expect(upload.done).rejects.toMatchObject({ code: 'source_changed' });
  });

  it('fails with source_unreadable when the file has vanished', async () => {
    let readable = true;
    const source: Source = {
      size: 5,
      fileName: 'a.txt',
      contentType: 'text/plain',
      read: async (start, end) => {
        if (!readable) throw new DOMException('gone', 'NotReadableError');
        return new Uint8Array(end - start);
      },
    };
    const upload = clientWith().upload('files', source);
    const sending = await untilSending();
    readable = false;
    sending.fail();
    answerWell(await manual.next(/abort/));
    await expect(upload.done).rejects.toMatchObject({ code: 'source_unreadable' });
  });

  it.each(['BadDigest', 'XAmzContentChecksumMismatch'])(
    'fails with source_changed after %s for a file that has changed',
    async (code) => {
      let fill = 1;
      const source: Source = {
        size: 5,
        fileName: 'a.txt',
        contentType: 'text/plain',
        read: async (start, end) => new Uint8Array(end - start).fill(fill),
      };
      const upload = clientWith().upload('files', source);
      const sending = await untilSending();
      fill = 2;
      sending.answer(400, `<Error><Code>${code}</Code></Error>`);
      await expect(upload.done).rejects.toMatchObject({ code: 'source_changed' });
      // retry() declares the new bytes.
      answerWell(await manual.next(/abort/));
      upload.retry();
      const granting = await manual.next(/POST .*uploads$/);
      const value = createHash('sha256').update(new Uint8Array(5).fill(2)).digest('base64');
      expect(granting.json.files).toMatchObject([{ checksum: { value } }]);
      manual.serve(answerWell);
      answerWell(granting);
      await upload.done;
    },
  );

  it('fails with source_changed when a refusal is repeated and the file has another size', async () => {
    let size = 5;
    const source: Source = {
      size: 5,
      fileName: 'a.txt',
      contentType: 'text/plain',
      read: async (start, end) => new Uint8Array(Math.min(end, size) - start),
    };
    const upload = clientWith().upload('files', source);
    const sending = await untilSending();
    size = 4;
    const refusal = '<Error><Code>SignatureDoesNotMatch</Code></Error>';
    sending.answer(403, refusal);
    (await manual.next(/POST .*uploads$/)).answer(200, { uploads: [grantOf()] });
    (await manual.next(/PUT/)).answer(403, refusal);
    await expect(upload.done).rejects.toMatchObject({ code: 'source_changed' });
  });

  it('sends the file again after BadDigest when it has not changed', async () => {
    const upload = clientWith().upload('files', file());
    (await untilSending()).answer(400, '<Error><Code>BadDigest</Code></Error>');
    (await manual.next(/PUT/)).answer(200);
    answerWell(await manual.next(/complete/));
    await upload.done;
  });

  it.each([
    [200, '<html>a proxy says hello</html>', 'network_error'],
    [204, '', 'network_error'],
    [403, '<html>a firewall says no</html>', 'network_error'],
    [403, '{"message":"Forbidden"}', 'network_error'],
    [404, 'Not Found', 'network_error'],
    [407, '', 'network_error'],
    [413, '<html>nginx</html>', 'network_error'],
    [502, 'Bad Gateway', 'network_error'],
    [502, '{"error":"Bad Gateway"}', 'network_error'],
    [502, '{"error":null}', 'network_error'],
    [401, 'Unauthorized', 'unauthenticated'],
    [200, '[]', 'internal_error'],
    [200, '{"uploads":[]}', 'internal_error'],
    [200, '{"uploads":[null]}', 'internal_error'],
    [200, '{"uploads":[{"grant":"g"}]}', 'internal_error'],
    [200, '{"uploads":[{"grant":"g","request":{"url":null}}]}', 'internal_error'],
    [200, '{"uploads":"constructor"}', 'internal_error'],
    [401, JSON.stringify(wireError('unauthenticated')), 'unauthenticated'],
    [400, JSON.stringify(wireError('from_the_future')), 'from_the_future'],
  ])('takes the answer %i %s as %s', async (status, text, code) => {
    const upload = clientWith({ retries: 0 }).upload('files', file());
    (await manual.next(/routes/)).answer(200, routeInfo);
    (await manual.next(/POST/)).answer(status, text);
    await expect(upload.done).rejects.toMatchObject({ code });
  });

  it('fails with internal_error when headers() throws', async () => {
    const headers = () => {
      throw new Error('no token');
    };
    const upload = clientWith({ headers }).upload('files', file());
    await expect(upload.done).rejects.toMatchObject({
      code: 'internal_error',
      details: { hint: 'Error: no token' },
    });
  });

  it('fails only the file that has an error in a batch', async () => {
    const uploads = clientWith().uploadAll('files', [file(), file()]);
    (await manual.next(/routes/)).answer(200, routeInfo);
    let granted = 0;
    manual.serve((incoming) => {
      if (!incoming.json?.files) return answerWell(incoming);
      const answers = (incoming.json.files as unknown[]).map(() =>
        granted++ ? wireError('quota_exceeded') : grantOf(),
      );
      incoming.answer(200, { uploads: answers });
    });
    // The file that is hashed first is the first in the batch.
    const ends = await Promise.allSettled(uploads.map((upload) => upload.done));
    const failed = ends.filter((end) => end.status === 'rejected');
    expect(failed).toMatchObject([{ reason: { code: 'quota_exceeded', message: 'quota_exceeded!' } }]);
  });
});

describe('a grant call whose answer is lost', () => {
  const declarations = () =>
    manual.sent.filter(({ body }) => body?.includes('"files"')).map(({ body }) => JSON.parse(body ?? '').files[0]);

  it('is repeated with the same key and the same declaration', async () => {
    const upload = clientWith().upload('files', file());
    (await manual.next(/routes/)).answer(200, { ...routeInfo, hosts: ['https://a.example', 'https://b.example'] });
    (await manual.next(/POST .*uploads$/)).fail();
    answerWell(await manual.next(/POST .*uploads$/));
    manual.serve(answerWell);
    await upload.done;
    const [first, second] = declarations();
    expect(second).toEqual(first);
    expect(first.idempotencyKey).toMatch(/^[!-~]{24}$/);
  });

  it('has another key for another file, for another grant, and after an abort', async () => {
    const client = clientWith();
    const upload = client.upload('files', file());
    (await manual.next(/routes/)).answer(200, routeInfo);
    answerWell(await manual.next(/POST .*uploads$/));
    // After the refusal, the client asks for another grant.
    (await manual.next(/PUT/)).answer(403);
    (await manual.next(/POST .*uploads$/)).fail();
    upload.abort();
    manual.serve(answerWell);
    upload.retry();
    await Promise.all([upload.done, client.upload('files', file()).done]);
    const keys = declarations().map(({ idempotencyKey }) => idempotencyKey);
    expect(keys).toHaveLength(4);
    expect(new Set(keys).size).toBe(4);
  });
});

it.each([undefined, null, '', 'photo.jpg', 5])('upload(%s) gives a failed upload and does not throw', async (given) => {
  const upload = clientWith().upload('files', given as unknown as File);
  await expect(upload.done).rejects.toMatchObject({ code: 'source_unreadable', message: 'No file was chosen.' });
  expect(upload.getSnapshot()).toMatchObject({ status: 'failed', fileName: 'file', error: { retryable: false } });
  expect(manual.sent).toHaveLength(0);
});

describe('messages', () => {
  it('come from the app by code, with the details, also in JSON', async () => {
    const messages = {
      file_too_large: (details?: { size: number; maxBytes: number }) => `${details?.size} statt ${details?.maxBytes}`,
      aborted: 'Abgebrochen.',
      network_error: () => {
        throw new Error('a mistake of the app');
      },
    };
    const client = clientWith({ messages, retries: 0 });
    const large = client.upload('files', new File([new Uint8Array(2000)], 'a.txt', { type: 'text/plain' }));
    (await manual.next(/routes/)).answer(200, routeInfo);
    await expect(large.done).rejects.toMatchObject({ code: 'file_too_large', message: '2000 statt 1000' });
    expect(JSON.parse(JSON.stringify(large.getSnapshot().error))).toMatchObject({
      code: 'file_too_large',
      message: '2000 statt 1000',
      details: { size: 2000, maxBytes: 1000 },
    });
    const lost = client.upload('files', file());
    (await manual.next(/POST/)).fail();
    await expect(lost.done).rejects.toMatchObject({ message: 'The connection failed. Please try again.' });
    const aborted = client.upload('files', file());
    aborted.abort();
    await expect(aborted.done).rejects.toMatchObject({ message: 'Abgebrochen.' });
    expect(JSON.parse(JSON.stringify(aborted.getSnapshot().error))).toMatchObject({
      code: 'aborted',
      message: 'Abgebrochen.',
    });
  });

  it('contain no technical terms', async () => {
    const upload = clientWith({ retries: 0 }).upload('files', new File([], 'a.txt', { type: 'text/plain' }));
    (await manual.next(/routes/)).answer(200, routeInfo);
    await expect(upload.done).rejects.toMatchObject({ code: 'file_too_small', message: 'This file is empty.' });
  });
});

describe('abort and retry', () => {
  it('abort() stops the request, gives the grant back, and rejects with aborted', async () => {
    const upload = clientWith().upload('files', file());
    const seen = statuses(upload);
    const grant = grantOf();
    const sending = await untilSending(grant);
    upload.abort();
    expect(upload.getSnapshot()).toMatchObject({ status: 'aborted', error: { code: 'aborted' } });
    expect(sending.request.signal.aborted).toBe(true);
    expect((await manual.next(/abort/)).json).toEqual({ grants: [grant.grant] });
    await expect(upload.done).rejects.toMatchObject({ code: 'aborted' });
    upload.abort();
    expect(seen.filter((status) => status === 'aborted')).toHaveLength(1);
  });

  it('abort() gives back a grant that arrives later', async () => {
    const upload = clientWith().upload('files', file());
    (await manual.next(/routes/)).answer(200, routeInfo);
    const granting = await manual.next(/POST/);
    upload.abort();
    const grant = grantOf();
    granting.answer(200, { uploads: [grant] });
    expect((await manual.next(/abort/)).json).toEqual({ grants: [grant.grant] });
  });

  it('an aborted signal aborts the upload, also when it was aborted before', async () => {
    const controller = new AbortController();
    const uploads = clientWith().uploadAll('files', [file(), file()], { signal: controller.signal });
    controller.abort();
    for (const upload of uploads) expect(upload.getSnapshot().status).toBe('aborted');
    const late = clientWith().upload('files', file(), { signal: controller.signal });
    expect(late.getSnapshot().status).toBe('aborted');
    await expect(late.done).rejects.toMatchObject({ code: 'aborted' });
  });

  it('retry() after a failure continues where the upload stopped', async () => {
    const upload = clientWith({ retries: 0 }).upload('files', file());
    (await untilSending()).answer(200);
    (await manual.next(/complete/)).answer(503, { results: [wireError('callback_failed', true)] });
    await expect(upload.done).rejects.toMatchObject({ code: 'callback_failed' });
    upload.retry();
    expect(upload.getSnapshot()).toMatchObject({ status: 'queued', error: null });
    answerWell(await manual.next(/complete/));
    await upload.done;
  });

  it('retry() after an abort starts with a new grant and the old checksum', async () => {
    const upload = clientWith().upload('files', file());
    await untilSending();
    upload.abort();
    answerWell(await manual.next(/abort/));
    upload.retry();
    const seen = statuses(upload);
    manual.serve(answerWell);
    await upload.done;
    expect(seen).not.toContain('hashing');
    expect(upload.getSnapshot().status).toBe('done');
  });

  it('retry() has no effect while the upload runs or when it is done', async () => {
    const upload = clientWith().upload('files', file());
    upload.retry();
    manual.serve(answerWell);
    const { done } = upload;
    await done;
    upload.retry();
    upload.abort();
    expect(upload.done).toBe(done);
    expect(upload.getSnapshot().status).toBe('done');
    expect(manual.sent).toHaveLength(4);
  });
});

describe('pause and resume', () => {
  it('pause() stops the request and keeps the grant, and resume() sends the bytes', async () => {
    const upload = clientWith({ retries: 0 }).upload('files', file());
    const { done } = upload;
    const seen = statuses(upload);
    const sending = await untilSending();
    upload.pause();
    upload.pause();
    expect(sending.request.signal.aborted).toBe(true);
    expect(upload.getSnapshot()).toMatchObject({ status: 'paused', error: null, bytesPerSecond: 0 });
    expect(manual.pending).toHaveLength(0);
    upload.resume();
    upload.resume();
    (await manual.next(/PUT/)).answer(200);
    answerWell(await manual.next(/complete/));
    await done;
    expect(upload.done).toBe(done);
    expect(seen.filter((status) => status === 'paused')).toHaveLength(1);
    expect(seen.filter((status) => status === 'hashing')).toHaveLength(1);
    upload.pause();
    upload.resume();
    expect(upload.getSnapshot().status).toBe('done');
  });

  it('a grant that arrives during a pause is kept, and given back by abort()', async () => {
    const upload = clientWith().upload('files', file());
    (await manual.next(/routes/)).answer(200, routeInfo);
    const granting = await manual.next(/POST/);
    upload.pause();
    const grant = grantOf();
    granting.answer(200, { uploads: [grant] });
    await turnsUntil(() => true);
    expect(manual.pending).toHaveLength(0);
    upload.abort();
    expect((await manual.next(/abort/)).json).toEqual({ grants: [grant.grant] });
    await expect(upload.done).rejects.toMatchObject({ code: 'aborted' });
  });

  it('client.pause() and client.resume() reach every upload that has not ended', async () => {
    const client = clientWith();
    const uploads = client.uploadAll('files', [file(), file()]);
    const status = () => uploads.map((upload) => upload.getSnapshot().status);
    uploads[0]?.abort();
    uploads[0]?.retry();
    await turnsUntil(() => manual.pending.length > 0);
    client.pause();
    expect(status()).toEqual(['paused', 'paused']);
    client.resume();
    expect(status()).toEqual(['queued', 'queued']);
    client.abort();
    expect(status()).toEqual(['aborted', 'aborted']);
    client.resume();
    expect(status()).toEqual(['aborted', 'aborted']);
  });
});

describe('many files', () => {
  it('uploadAll() refuses all files when there are more than the route takes in one call', async () => {
    const uploads = clientWith().uploadAll('files', [file(), file()]);
    (await manual.next(/routes/)).answer(200, { ...routeInfo, limits: { ...routeInfo.limits, maxFiles: 1 } });
    for (const upload of uploads)
      await expect(upload.done).rejects.toMatchObject({
        code: 'too_many_files',
        message: 'Send one file at a time.',
        details: { maxFiles: 1, files: 2 },
      });
    expect(manual.sent).toHaveLength(1);
  });

  it('upload() asks for grants and completions in batches of at most `maxFiles`', async () => {
    const client = clientWith();
    manual.serve(answerWell);
    const uploads = Array.from({ length: 100 }, () => client.upload('files', file()));
    await Promise.all(uploads.map(({ done }) => done));
    const counts = manual.sent.flatMap(({ body }) =>
      body?.includes('"files"') ? [JSON.parse(body).files.length] : [],
    );
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(100);
    expect(Math.max(...counts)).toBeLessThanOrEqual(routeInfo.limits.maxFiles);
    expect(manual.sent.filter(({ url }) => url.includes('/routes/'))).toHaveLength(1);
    const completions = manual.sent.filter(({ url }) => url.endsWith('/complete'));
    expect(completions.flatMap(({ body }) => JSON.parse(body ?? '').grants)).toHaveLength(100);
  });

  it('upload() sends at most `concurrency` requests to the storage at once', async () => {
    let active = 0;
    let most = 0;
    manual.serve((incoming) => {
      if (incoming.request.method !== 'PUT') return answerWell(incoming);
      most = Math.max(most, ++active);
      setTimeout(() => {
        active--;
        incoming.answer(200);
      }, 5);
    });
    const client = clientWith({ concurrency: 3 });
    const uploads = Array.from({ length: 30 }, () => client.upload('files', file()));
    await Promise.all(uploads.map(({ done }) => done));
    expect(most).toBe(3);
  });

  it('upload() does not run ahead of a server that completes slowly', async () => {
    let sent = 0;
    let slow = true;
    const held: HeldRequest[] = [];
    manual.serve((incoming) => {
      if (incoming.request.method === 'PUT') sent++;
      if (slow && incoming.request.url.endsWith('/complete')) held.push(incoming);
      else answerWell(incoming);
    });
    const client = clientWith();
    const uploads = Array.from({ length: 600 }, () => client.upload('files', file()));
    const resting = () => uploads.every((upload) => /queued|completing/.test(upload.getSnapshot().status));
    for (let calm = 0; calm < 100; calm = sent > 0 && resting() ? calm + 1 : 0)
      await new Promise((resolve) => setImmediate(resolve));
    expect(sent).toBeGreaterThanOrEqual(96);
    expect(sent).toBeLessThanOrEqual(200);
    slow = false;
    for (const incoming of held) answerWell(incoming);
    await Promise.all(uploads.map(({ done }) => done));
    expect(sent).toBe(600);
  });

  it('10,000 queued files hold no bytes and ask for no grants ahead of need', async () => {
    let reads = 0;
    const source: Source = {
      size: 100,
      fileName: 'a.txt',
      contentType: 'text/plain',
      read: async (start, end) => {
        reads++;
        return new Uint8Array(end - start);
      },
    };
    const client = clientWith();
    global.gc?.();
    const before = process.memoryUsage().heapUsed;
    const uploads = Array.from({ length: 10_000 }, () => client.upload('files', source));
    let grants = 0;
    manual.serve((incoming) => {
      // The storage never answers.
      if (incoming.request.method === 'PUT') return;
      grants += (incoming.json?.files as unknown[] | undefined)?.length ?? 0;
      answerWell(incoming);
    });
    await vi.waitFor(
      () => expect(uploads.filter((u) => u.getSnapshot().status === 'uploading')).toHaveLength(6),
      15_000,
    );
    global.gc?.();
    const perFile = (process.memoryUsage().heapUsed - before) / 10_000;
    expect(reads).toBeLessThanOrEqual(96);
    expect(grants).toBeLessThanOrEqual(96);
    expect(perFile).toBeLessThan(16_000);
    for (const upload of uploads) upload.abort();
    expect(uploads.every((upload) => upload.getSnapshot().status === 'aborted')).toBe(true);
  });
});

it('listeners are notified of progress at most ten times a second', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const upload = clientWith().upload('files', file());
  const sending = await untilSending();
  await vi.advanceTimersByTimeAsync(100);
  let calls = 0;
  const stop = upload.subscribe(() => calls++);
  const before = upload.getSnapshot();
  for (let loaded = 0; loaded <= 5; loaded++) sending.request.onProgress?.(loaded);
  expect(calls).toBe(0);
  expect(upload.getSnapshot()).toBe(before);
  await vi.advanceTimersByTimeAsync(100);
  expect(calls).toBe(1);
  expect(upload.getSnapshot().loaded).toBe(5);
  stop();
  sending.request.onProgress?.(1);
  await vi.advanceTimersByTimeAsync(100);
  expect(calls).toBe(1);
  upload.abort();
});
