/** Which file continues an upload, and that a wrong file does not damage it. */
import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { compositeOf, createFakeParts, type FakeParts, partSize } from '../../../test/support/fake-parts.ts';
import { createMemoryResumeStore, type MemoryResumeStore } from '../../../test/support/memory-resume-store.ts';
import { createClientOn } from '../client.ts';
import type { Client, FileLike, Resumable, StreamLike } from '../types.ts';

const size = 95;
const bytesOf = (salt: number, length = size) => Uint8Array.from({ length }, (_, i) => (i * 7 + salt) & 255);
const right = bytesOf(1);
const pick = (bytes: Uint8Array<ArrayBuffer>, name = 'scan.bin', lastModified = 1000) =>
  new File([bytes], name, { type: 'text/plain', lastModified });

let fake: FakeParts;
let store: MemoryResumeStore;
beforeEach(() => {
  fake = createFakeParts();
  store = createMemoryResumeStore();
});

const clientWith = (options = {}): Client =>
  createClientOn({
    endpoint: '/uploads',
    transport: fake.transport,
    random: () => 0,
    retries: 0,
    resumeStore: createMemoryResumeStore(store.entries),
    ...options,
  });

/** Begins an upload and pauses it once it is remembered. The storage then has exactly these parts. */
async function begin(arrived: readonly number[], file: FileLike = pick(right), options = {}): Promise<void> {
  fake.atStorage = () => '503';
  const upload = clientWith({ retries: 1000 }).upload('files', file, options);
  while (store.entries.size === 0) await new Promise((resolve) => setImmediate(resolve));
  upload.pause();
  fake.atStorage = () => 'ok';
  for (const partNumber of arrived) {
    const bytes = right.slice((partNumber - 1) * partSize, partNumber * partSize);
    const value = createHash('sha256').update(bytes).digest('base64');
    fake.uploads.get('u1')?.parts.set(partNumber, { size: bytes.length, value });
  }
}

describe('upload() of a file that was begun before', () => {
  const declared = { fileName: 'anna.txt', contentType: 'text/plain', metadata: { album: 1 } };

  it('continues with the same declaration', async () => {
    await begin([1, 2, 3], pick(right), declared);
    await clientWith().upload('files', pick(right), declared).done;
    expect(fake.uploads.size).toBe(1);
    expect(store.entries.size).toBe(0);
  });

  it.each([
    ['file name', { fileName: 'bert.txt' }],
    ['content type', { contentType: 'text/csv' }],
    ['metadata', { metadata: { album: 2 } }],
  ])('starts a new upload with another %s', async (_, other) => {
    await begin([1, 2, 3], pick(right), declared);
    await clientWith().upload('files', pick(right), { ...declared, ...other }).done;
    const [first, second] = [...fake.uploads.values()];
    expect(first?.state).toBe('open');
    expect(second?.state).toBe('completed');
    expect(store.entries.size).toBe(1);
  });
});

it('an entry of the resume store is dated by the clock of the store', async () => {
  const savedAt = Date.UTC(2100, 0, 1);
  const resumeStore = { ...createMemoryResumeStore(store.entries), now: () => savedAt };
  fake.atStorage = () => '503';
  const upload = clientWith({ retries: 1000, resumeStore }).upload('files', pick(right));
  while (store.entries.size === 0) await new Promise((resolve) => setImmediate(resolve));
  upload.pause();
  expect([...store.entries.values()].map((entry) => entry.savedAt)).toEqual([savedAt]);
});

describe('resume()', () => {
  async function findResumable(): Promise<Resumable> {
    const [found] = await clientWith().resumable();
    if (!found) throw new Error('There is no unfinished upload.');
    return found;
  }

  async function expectRefused(file: FileLike, arrived: number): Promise<void> {
    const upload = (await findResumable()).resume(file);
    await expect(upload.done).rejects.toMatchObject({ code: 'source_changed' });
    // Another attempt and an abort do not delete it either.
    upload.retry();
    await expect(upload.done).rejects.toMatchObject({ code: 'source_changed' });
    upload.abort();
    const [only, ...others] = [...fake.uploads.values()];
    expect(others).toEqual([]);
    expect(only?.state).toBe('open');
    expect(only?.parts.size).toBe(arrived);
    expect(store.entries.size).toBe(1);
    const { file: stored } = await (await findResumable()).resume(pick(right)).done;
    expect(stored.checksum?.value).toBe(compositeOf(right));
    expect(fake.uploads.size).toBe(1);
    await expect.poll(() => store.entries.size).toBe(0);
  }

  it('refuses a file of another size, and keeps all parts', async () => {
    await begin([1, 2, 3]);
    await expectRefused(pick(bytesOf(1, size + 1)), 3);
  });

  it('refuses another file of the same size before any of its parts is sent', async () => {
    // The part that differs is the last one.
    await begin([10]);
    await expectRefused(pick(bytesOf(2)), 1);
  });

  it('refuses a file by its name when no part has arrived', async () => {
    await begin([]);
    await expectRefused(pick(bytesOf(2), 'other.bin'), 0);
  });

  it('fails with upload_conflict while another tab sends the file, and leaves that upload alone', async () => {
    const locks = new Set<string>();
    const findInTab = async () => {
      const client = clientWith({ resumeStore: createMemoryResumeStore(store.entries, locks) });
      return (await client.resumable())[0] as Resumable;
    };
    await begin([1, 2, 3]);
    let openGate = () => {};
    const gate = new Promise<void>((resolve) => {
      openGate = resolve;
    });
    const slow = {
      size,
      fileName: 'scan.bin',
      read: async (start: number, end: number) => {
        await gate;
        return right.slice(start, end);
      },
    };
    const running = (await findInTab()).resume(slow);
    await expect.poll(() => locks.size).toBe(1);
    await expect((await findInTab()).resume(pick(right)).done).rejects.toMatchObject({ code: 'upload_conflict' });
    await new Promise((resolve) => setImmediate(resolve));
    expect(store.entries.size).toBe(1);
    expect([...fake.uploads.values()].map(({ state }) => state)).toEqual(['open']);
    openGate();
    expect((await running.done).file.checksum?.value).toBe(compositeOf(right));
    expect(fake.uploads.size).toBe(1);
  });

  it('keeps all parts when the file cannot be read', async () => {
    await begin([1, 2, 3]);
    const gone = {
      size,
      fileName: 'scan.bin',
      contentType: 'text/plain',
      read: () => Promise.reject(new DOMException('gone', 'NotFoundError')),
    };
    await expect((await findResumable()).resume(gone).done).rejects.toMatchObject({ code: 'source_unreadable' });
    await (await findResumable()).resume(pick(right)).done;
    expect(fake.uploads.size).toBe(1);
  });
});

describe('upload() of a stream', () => {
  const text = 'Grüße 👋🏽 '.repeat(40);
  const utf8 = new TextEncoder().encode(text);
  async function* of(...chunks: unknown[]) {
    yield* chunks as string[];
  }
  const send = (stream: unknown) =>
    clientWith().upload('files', stream as StreamLike, { fileName: 'a.txt', contentType: 'text/plain' });

  it.each([
    ['strings', () => of(...(text.match(/.{1,7}/gsu) ?? []))],
    ['strings that cut characters in two', () => of(...text.split(''))],
    ['empty strings', () => of('', text, '')],
    ['ArrayBuffers', () => of(utf8.slice(0, 9).buffer, utf8.slice(9).buffer)],
    ['views', () => of(new DataView(utf8.buffer, 0, 9), utf8.subarray(9))],
    ['Blobs', () => of(new Blob([utf8.slice(0, 9)]), new Blob([utf8.slice(9)]))],
    ['strings, as a ReadableStream', () => new Response(text).body?.pipeThrough(new TextDecoderStream())],
  ])('stores %s', async (_, make) => {
    const { file } = await send(make()).done;
    expect(file.size).toBe(utf8.length);
    expect(file.checksum?.value).toBe(compositeOf(utf8));
  });

  it('stores half a character at the end as TextEncoder encodes it', async () => {
    const { file } = await send(of('0123456\ud83d')).done;
    expect(file.checksum?.value).toBe(compositeOf(new TextEncoder().encode('0123456\ud83d')));
  });

  it.each([[5], [null], [{}], [undefined]])(
    'fails with source_unreadable and a hint when a chunk is %s',
    async (chunk) => {
      const error = await send(of('a', chunk)).done.catch((failed) => failed);
      expect(error).toMatchObject({ code: 'source_unreadable' });
      expect(error.details.hint).toContain('A stream gives bytes or text');
    },
  );
});
