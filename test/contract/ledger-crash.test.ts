/**
 * With a ledger a process may die at any request to the storage and at any statement to the database, before it was heard
 * or before its answer came. Whatever is left, the next call brings the upload to its end; the callback has run twice only
 * where its process died between beginning and recording it, and the ledger counts those; the quota is what is stored.
 */
import { expect, it } from 'vitest';
import { MiB } from '../../src/protocol/index.ts';
import { type Owner, route } from '../../src/server/index.ts';
import { crashStorageOrLedgerAt } from '../support/crashing.ts';
import { forEachLedger } from '../support/ledgers.ts';
import { createParts, partSize, pngOf } from '../support/multipart.ts';
import { createTestApp, png, send } from '../support/server-app.ts';
import { forEachStore } from '../support/stores.ts';

const owner = (): Owner => ({ ownerId: 'anna' });
const large = pngOf(partSize + 10);

interface Scenario {
  byParts: boolean;
  call: 'complete' | 'abort';
  /** Refuses everything. */
  strict?: boolean;
  options?: object;
  ends: [status: number, code: string | undefined];
}

const scenarios: [string, Scenario][] = [
  ['a completion', { byParts: false, call: 'complete', ends: [200, undefined] }],
  ['a completion of parts', { byParts: true, call: 'complete', ends: [200, undefined] }],
  [
    'one that copies by parts',
    { byParts: true, call: 'complete', options: { copyMaxBytes: partSize }, ends: [200, undefined] },
  ],
  ['one that refuses', { byParts: false, call: 'complete', strict: true, ends: [422, 'upload_rejected'] }],
  ['one of parts that refuses', { byParts: true, call: 'complete', strict: true, ends: [422, 'upload_rejected'] }],
  ['an abort', { byParts: false, call: 'abort', ends: [200, undefined] }],
  ['an abort of parts', { byParts: true, call: 'abort', ends: [200, undefined] }],
];

forEachStore(
  'a process with a ledger that dies',
  (store) => {
    forEachLedger('in', (place) => {
      it.each(scenarios)(
        '%s',
        async (_, { byParts, call, strict, options, ends }) => {
          let offset = 0;
          const now = () => Date.now() + offset;
          const storage = store.storage();
          const ledger = await place.open({ now });
          const announced = new Map<string, number>();
          const routes = {
            a: route({
              limits: { maxBytes: 100 * MiB },
              authorize: owner,
              inspect: () => (strict ? { reject: 'No.' } : undefined),
              onComplete: ({ uploadId }) => {
                announced.set(uploadId, (announced.get(uploadId) ?? 0) + 1);
              },
            }),
          };
          const settings = { multipartMinBytes: partSize, ...options, now };
          const alive = createTestApp(storage, routes, { ...settings, ledger });
          const parts = createParts(alive);
          let tried = 0;
          let stored = 0;
          for (let nth = 1, over = false; !over; nth += 1)
            for (const when of ['before', 'after'] as const) {
              offset = 0;
              const upload = byParts ? await parts.begin(large) : await alive.grant(png);
              if ('request' in upload) expect(await send(upload.request, png)).toBe(200);
              else await parts.send(upload.grant, large);
              const dying = crashStorageOrLedgerAt(storage, ledger, nth, when);
              const doomed = createTestApp(dying.storage, routes, { ...settings, ledger: dying.ledger });
              const answered = doomed[call](upload.grant).then(() => true);
              const died = expect.poll(() => dying.state.hasCrashed, { interval: 2, timeout: 30_000 }).toBe(true);
              over = await Promise.race([answered, died.then(() => false)]);
              if (over) {
                died.catch(() => {});
                if (call === 'complete' && !strict) stored += 1;
                break;
              }
              tried += 1;

              offset = 60 * 60_000;
              const where = [dying.state.at, when];
              const { uploadId } = upload;
              const { status, json } = await alive[call](upload.grant);
              expect([...where, status, json.error?.code]).toEqual([...where, ...ends]);
              const record = await ledger.find(uploadId);
              const wanted = call === 'abort' ? 'aborted' : strict ? 'rejected' : 'completed';
              expect([...where, record?.state]).toEqual([...where, wanted]);
              const prefix = `a/anna/${uploadId}`;
              const objects = (await storage.list({ prefix })).objects.length;
              expect([...where, objects]).toEqual([...where, wanted === 'completed' ? 1 : 0]);
              for (const unfinished of [prefix, `incoming/${uploadId}`])
                expect([...where, (await storage.listMultiparts({ prefix: unfinished })).uploads]).toEqual([
                  ...where,
                  [],
                ]);
              expect([...where, await storage.head(`incoming/${uploadId}`)]).toEqual([...where, null]);
              const times = announced.get(uploadId) ?? 0;
              const interruptions = record?.callback.interruptions ?? 0;
              expect([...where, times]).toEqual([...where, wanted === 'completed' ? times : 0]);
              if (wanted === 'completed') {
                stored += 1;
                expect(times).toBeGreaterThanOrEqual(1);
                expect(times).toBeLessThanOrEqual(1 + interruptions);
              }
            }
          expect(tried).toBeGreaterThanOrEqual(call === 'abort' ? 4 : 8);
          const size = byParts ? large.length : png.length;
          expect(await ledger.usage('anna')).toMatchObject({
            storedFiles: stored,
            storedBytes: stored * size,
            pendingFiles: 0,
            pendingBytes: 0,
          });
        },
        600_000,
      );
    });
  },
  { only: ['devstore'] },
);
