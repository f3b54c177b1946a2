/**
 * A model-based test: for any sequence of failures and of what users do, every upload in parts ends, and none is
 * completed twice.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  compositeOf,
  createFakeParts,
  type ServerAnswer,
  type StorageAnswer,
} from '../../../test/support/fake-parts.ts';
import { createMemoryResumeStore } from '../../../test/support/memory-resume-store.ts';
import { createClientOn } from '../client.ts';
import type { StreamLike, Upload } from '../types.ts';

const storageMoods: readonly StorageAnswer[] = [
  'ok',
  'ok',
  'ok',
  '503',
  '403',
  '404',
  'bad digest',
  'lost before',
  'lost after',
  'gone',
];
const serverMoods: readonly ServerAnswer[] = [
  'ok',
  'ok',
  'ok',
  'lost before',
  'lost after',
  '502',
  'expired',
  'unready',
  '202',
  'callback_failed',
];
const actions = ['pause', 'resume', 'abort', 'retry', 'offline', 'online', 'pause all', 'resume all'] as const;

const scenario = fc.record({
  storage: fc.array(fc.constantFrom(...storageMoods), { maxLength: 25 }),
  server: fc.array(fc.constantFrom(...serverMoods), { maxLength: 25 }),
  acts: fc.array(fc.record({ at: fc.nat(60), what: fc.constantFrom(...actions) }), { maxLength: 8 }),
  sizes: fc.array(fc.integer({ min: 1, max: 130 }), { minLength: 1, maxLength: 3 }),
  stream: fc.boolean(),
  remembers: fc.boolean(),
  retries: fc.nat(4),
  concurrency: fc.integer({ min: 1, max: 4 }),
  hosts: fc.integer({ min: 1, max: 2 }),
});

const bytesOf = (size: number, salt: number) => Uint8Array.from({ length: size }, (_, i) => (i * 7 + salt) & 255);

async function* streamOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7);
}

/** Only ends a test that hangs. The longest wait of the client here is one second. */
const hangMs = 60_000;

/** Waits until the upload has ended. Throws with its snapshot when it hangs. */
async function ended(upload: Upload): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`stuck: ${JSON.stringify(upload.getSnapshot())}`)), hangMs);
  });
  await Promise.race([upload.done.catch(() => {}), late]).finally(() => clearTimeout(timer));
}

it('an upload in parts always ends, once, with exactly its bytes', async () => {
  await fc.assert(
    fc.asyncProperty(
      scenario,
      async ({ storage, server, acts, sizes, stream, remembers, retries, concurrency, hosts }) => {
        const fake = createFakeParts({
          hosts: ['https://store.example', 'https://second.example'].slice(0, hosts),
        });
        let connect = () => {};
        let connection: Promise<void> | undefined;
        const offline = () => {
          connection ??= new Promise((resolve) => {
            connect = () => {
              connection = undefined;
              resolve();
            };
          });
        };
        const resumeStore = createMemoryResumeStore();
        const client = createClientOn({
          endpoint: '/uploads',
          transport: fake.transport,
          retries,
          concurrency,
          random: () => 0,
          online: () => connection,
          resumeStore: remembers ? resumeStore : null,
        });
        let fair = false;
        // Copies: fast-check reports and shrinks the values that it passed.
        const nextAtStorage = [...storage];
        const nextAtServer = [...server];
        fake.atStorage = () => (fair ? 'ok' : (nextAtStorage.shift() ?? 'ok'));
        fake.atServer = (path) => {
          const mood = (fair ? undefined : nextAtServer[0]) ?? 'ok';
          // Each mood is used for one request, before or after it as the mood says.
          const moment = path.startsWith('before ') ? 'lost before' : path.startsWith('after ') ? 'lost after' : null;
          if (moment ? mood !== moment : mood.startsWith('lost')) return 'ok';
          nextAtServer.shift();
          return mood;
        };
        const contents = sizes.map((size, index) => bytesOf(size, index));
        const uploads = contents.map((bytes, index) =>
          client.upload(
            'files',
            stream && index === 0
              ? (streamOf(bytes) as StreamLike)
              : {
                  size: bytes.length,
                  fileName: `${index}.txt`,
                  fingerprint: `${index}`,
                  read: async (start, end) => bytes.slice(start, end),
                },
            { fileName: `${index}.txt`, contentType: 'text/plain' },
          ),
        );
        let requests = 0;
        fake.onRequest = () => {
          requests++;
          if (fair) return;
          for (const { at, what } of acts)
            if (at === requests) {
              const first = uploads[0] as Upload;
              if (what === 'pause all') client.pause();
              else if (what === 'resume all') client.resume();
              else if (what === 'offline') offline();
              else if (what === 'online') connect();
              else first[what]();
            }
        };

        // Until no upload makes progress by itself.
        for (let quiet = 0, before = -1; quiet < 12; quiet = before === requests ? quiet + 1 : 0) {
          before = requests;
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
        fair = true;
        connect();
        client.resume();
        await Promise.all(uploads.map(ended));
        const dead = new Set<number>();
        uploads.forEach((upload, index) => {
          const { status } = upload.getSnapshot();
          expect(['done', 'failed', 'aborted']).toContain(status);
          // A stream cannot be read again after its upload has failed.
          if (stream && index === 0 && status !== 'done') dead.add(index);
          else if (status !== 'done') upload.retry();
        });
        await Promise.all(uploads.map(ended));
        expect(fake.maxPartsAtOnce).toBeLessThanOrEqual(concurrency * hosts);
        const used = new Set<string>();
        uploads.forEach((upload, index) => {
          const { status, file, loaded, total, size, error } = upload.getSnapshot();
          if (dead.has(index)) return;
          expect([status, error?.code, error?.message]).toEqual(['done', undefined, undefined]);
          expect([loaded, total, size]).toEqual([sizes[index], sizes[index], sizes[index]]);
          expect(file?.checksum?.value).toBe(compositeOf(contents[index] as Uint8Array));
          expect(used).not.toContain(file?.uploadId);
          used.add(file?.uploadId ?? '');
        });
        for (const [uploadId, times] of fake.completions) expect([uploadId, times]).toEqual([uploadId, 1]);
        expect([...resumeStore.entries.keys()]).toEqual([]);
      },
    ),
    { numRuns: 200, endOnFailure: true },
  );
}, 600_000);
