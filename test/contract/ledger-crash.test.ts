/**
 * Crashes of a process with a ledger at every call to the storage and every statement to the database, before the call
 * and after it. The next call must end the upload. The callback may have run twice only where the process crashed
 * inside it, which the ledger counts, and the quota must equal what is stored.
 */
import { expect, it } from 'vitest';
import { MiB } from '../../src/protocol/index.ts';
import { type Owner, route } from '../../src/server/index.ts';
import { crashStorageOrLedgerAt, crashTimes, endsWithoutCrash } from '../support/crashing.ts';
import { forEachLedger } from '../support/ledgers.ts';
import { createParts, partSize, pngOf } from '../support/multipart.ts';
import { createTestApp, png, send } from '../support/server-app.ts';
import { forEachStore } from '../support/stores.ts';
import { isFullSize } from '../support/test-size.ts';

const owner = (): Owner => ({ ownerId: 'anna' });
const large = pngOf(partSize + 10);

interface Scenario {
  byParts: boolean;
  call: 'complete' | 'abort';
  /** `inspect` rejects the upload. */
  rejects?: boolean;
  options?: object;
  expected: [status: number, code: string | undefined];
}

const scenarios: [string, Scenario][] = [
  ['a completion', { byParts: false, call: 'complete', expected: [200, undefined] }],
  ['a completion of parts', { byParts: true, call: 'complete', expected: [200, undefined] }],
  [
    'a completion that copies in parts',
    { byParts: true, call: 'complete', options: { copyMaxBytes: partSize }, expected: [200, undefined] },
  ],
  [
    'a completion that rejects',
    { byParts: false, call: 'complete', rejects: true, expected: [422, 'upload_rejected'] },
  ],
  [
    'a completion of parts that rejects',
    { byParts: true, call: 'complete', rejects: true, expected: [422, 'upload_rejected'] },
  ],
  ['an abort', { byParts: false, call: 'abort', expected: [200, undefined] }],
  ['an abort of parts', { byParts: true, call: 'abort', expected: [200, undefined] }],
];

forEachStore(
  'a process with a ledger',
  (store) => {
    forEachLedger('ledger', (testLedger) => {
      it.each(scenarios)(
        '%s ends correctly after a crash at any call',
        async (_, { byParts, call, rejects, options, expected }) => {
          let offset = 0;
          const now = () => Date.now() + offset;
          const storage = store.storage();
          const ledger = await testLedger.open({ now });
          const announced = new Map<string, number>();
          const routes = {
            a: route({
              limits: { maxBytes: 100 * MiB },
              authorize: owner,
              inspect: () => (rejects ? { reject: 'No.' } : undefined),
              onComplete: ({ uploadId }) => {
                announced.set(uploadId, (announced.get(uploadId) ?? 0) + 1);
              },
            }),
          };
          const settings = { multipartMinBytes: partSize, ...options, now };
          const app = createTestApp(storage, routes, { ...settings, ledger });
          const parts = createParts(app);
          let crashes = 0;
          let stored = 0;
          for (let nth = 1, ended = false; !ended; nth += 1)
            for (const when of crashTimes(nth, testLedger.name === 'sqlite' ? 'before' : 'after')) {
              offset = 0;
              const upload = byParts ? await parts.begin(large) : await app.grant(png);
              if ('request' in upload) expect(await send(upload.request, png)).toBe(200);
              else await parts.send(upload.grant, large);
              const crashing = crashStorageOrLedgerAt(storage, ledger, nth, when);
              const crashingApp = createTestApp(crashing.storage, routes, { ...settings, ledger: crashing.ledger });
              ended = await endsWithoutCrash(crashingApp[call](upload.grant), crashing.state);
              if (ended) {
                if (call === 'complete' && !rejects) stored += 1;
                break;
              }
              crashes += 1;

              offset = 60 * 60_000;
              const where = [crashing.state.at, when];
              const { uploadId } = upload;
              const { status, json } = await app[call](upload.grant);
              expect([...where, status, json.error?.code]).toEqual([...where, ...expected]);
              const record = await ledger.find(uploadId);
              const state = call === 'abort' ? 'aborted' : rejects ? 'rejected' : 'completed';
              expect([...where, record?.state]).toEqual([...where, state]);
              const prefix = `a/anna/${uploadId}`;
              const objects = (await storage.list({ prefix })).objects.length;
              expect([...where, objects]).toEqual([...where, state === 'completed' ? 1 : 0]);
              for (const unfinished of [prefix, `incoming/${uploadId}`])
                expect([...where, (await storage.listMultiparts({ prefix: unfinished })).uploads]).toEqual([
                  ...where,
                  [],
                ]);
              expect([...where, await storage.head(`incoming/${uploadId}`)]).toEqual([...where, null]);
              const times = announced.get(uploadId) ?? 0;
              const interruptions = record?.callback.interruptions ?? 0;
              expect([...where, times]).toEqual([...where, state === 'completed' ? times : 0]);
              if (state === 'completed') {
                stored += 1;
                expect(times).toBeGreaterThanOrEqual(1);
                expect(times).toBeLessThanOrEqual(1 + interruptions);
              }
            }
          expect(crashes).toBeGreaterThanOrEqual((call === 'abort' ? 4 : 8) / (isFullSize ? 1 : 2));
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
