/** A model-based test: for any sequence of failures and aborts, every upload ends once, with a true result. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  answerWell,
  createManualTransport,
  grantOf,
  type HeldRequest,
  routeInfo,
  wireError,
} from '../../test/support/manual-transport.ts';
import { createClientOn } from './client.ts';
import type { UploadStatus } from './types.ts';

const legal: Record<UploadStatus, readonly UploadStatus[]> = {
  queued: ['hashing', 'granting', 'uploading', 'completing', 'failed', 'aborted'],
  // Only clients of withPrepare prepare files.
  preparing: [],
  hashing: ['granting', 'failed', 'aborted'],
  granting: ['queued', 'uploading', 'hashing', 'failed', 'aborted'],
  uploading: ['completing', 'granting', 'failed', 'aborted'],
  completing: ['done', 'uploading', 'granting', 'completing', 'failed', 'aborted'],
  paused: ['queued', 'aborted'],
  done: [],
  failed: ['queued'],
  aborted: ['queued'],
};

const storageAnswers = ['ok', 'ok', '412', '403', '400 BadDigest', '503', 'lost before', 'lost after'] as const;
const serverAnswers = [
  'ok',
  'ok',
  'ok',
  'lost',
  '502',
  'upload_expired',
  'callback_failed',
  'forbidden',
  'nonsense',
] as const;

const scenario = fc.record({
  storage: fc.array(fc.constantFrom(...storageAnswers), { maxLength: 12 }),
  server: fc.array(fc.constantFrom(...serverAnswers), { maxLength: 12 }),
  abortAt: fc.option(fc.nat(12)),
  retries: fc.nat(3),
  files: fc.integer({ min: 1, max: 4 }),
});

it('an upload ends once, by legal states, and is done only when it was stored and completed', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async ({ storage, server, abortAt, retries, files }) => {
      const manual = createManualTransport();
      const stored = new Set<string>();
      const completed = new Set<string>();
      const byUrl = new Map<string, string>();
      // Copies: fast-check reports and shrinks the values that it passed.
      const nextAtStorage = [...storage];
      const nextAtServer = [...server];
      let calls = 0;

      function atStorage({ request: { url }, answer, fail }: HeldRequest): void {
        const turn = nextAtStorage.shift() ?? 'ok';
        const again = stored.has(url);
        if (['ok', '412', 'lost after'].includes(turn)) stored.add(url);
        if (turn.startsWith('lost')) fail();
        else if (turn === '403') answer(403, '<Code>AccessDenied</Code>');
        else if (turn === '400 BadDigest') answer(400, '<Code>BadDigest</Code>');
        else if (turn === '503') answer(503, '<Code>SlowDown</Code>');
        else answer(again || turn === '412' ? 412 : 200);
      }

      function grants(count: number) {
        return Array.from({ length: count }, () => {
          const grant = grantOf();
          byUrl.set(grant.grant, grant.request.url);
          return grant;
        });
      }

      function complete(grant: string) {
        if (!stored.has(byUrl.get(grant) ?? '')) return wireError('object_not_ready', true);
        completed.add(`stored/${grant}`);
        return { file: { key: `stored/${grant}`, url: '/f' }, data: null };
      }

      function atServer(incoming: HeldRequest): void {
        const { request, answer, fail } = incoming;
        const turn = nextAtServer.shift() ?? 'ok';
        if (turn === 'lost') fail();
        else if (turn === '502') answer(502, 'Bad Gateway');
        else if (turn === 'nonsense') answer(200, '{"uploads":{}}');
        else if (turn !== 'ok') answer(400, wireError(turn, turn === 'callback_failed'));
        else if (request.url.includes('/routes/')) answer(200, routeInfo);
        else if (incoming.json.files) answer(200, { uploads: grants((incoming.json.files as unknown[]).length) });
        else if (request.url.endsWith('/complete'))
          answer(200, { results: (incoming.json.grants as string[]).map(complete) });
        else answerWell(incoming);
      }

      const client = createClientOn({ endpoint: '/uploads', transport: manual.transport, retries, random: () => 0 });
      const picked = Array.from({ length: files }, () => new File(['hello'], 'a.txt', { type: 'text/plain' }));
      const uploads = client.uploadAll('files', picked);
      const histories = uploads.map((upload) => {
        const history: UploadStatus[] = [upload.getSnapshot().status];
        upload.subscribe(() => {
          const { status, loaded, total } = upload.getSnapshot();
          expect(loaded).toBeLessThanOrEqual(total ?? 0);
          if (status !== history.at(-1)) history.push(status);
        });
        return history;
      });
      manual.serve((incoming) => {
        if (calls++ === abortAt) uploads[0]?.abort();
        if (incoming.request.method === 'PUT') atStorage(incoming);
        else atServer(incoming);
      });

      const outcomes = await Promise.allSettled(uploads.map(({ done }) => done));
      // A second attempt at what failed, without faults.
      const first = outcomes.map(({ status }) => status);
      await Promise.allSettled(
        uploads.map((upload, index) => {
          if (first[index] === 'rejected') upload.retry();
          return upload.done;
        }),
      );

      uploads.forEach((upload, index) => {
        const history = histories[index] ?? [];
        for (const [at, status] of history.entries())
          if (at > 0) expect(legal[history[at - 1] as UploadStatus], history.join(' > ')).toContain(status);
        const { status, file, error, loaded, total, waiting } = upload.getSnapshot();
        expect(['done', 'failed', 'aborted']).toContain(status);
        expect(waiting).toBe(null);
        expect(status === 'done').toBe(file !== null);
        expect(status === 'done').toBe(error === null);
        if (file) {
          expect(loaded).toBe(total);
          expect(completed).toContain(file.key);
        }
      });
      // Each upload has a file of its own.
      const keys = uploads.flatMap((upload) => upload.getSnapshot().file?.key ?? []);
      expect(new Set(keys).size).toBe(keys.length);
    }),
    { numRuns: 300 },
  );
});
