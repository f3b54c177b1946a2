/**
 * Crashes of a process without a ledger at every call to the storage, before the call and after it, during an upload in
 * parts. The next call must end the upload.
 */
import { expect, it } from 'vitest';
import { MiB } from '../../src/protocol/index.ts';
import { type Owner, route } from '../../src/server/index.ts';
import { crashStorageAt, crashTimes, endsWithoutCrash } from '../support/crashing.ts';
import { createParts, partSize, pngOf } from '../support/multipart.ts';
import { createTestApp } from '../support/server-app.ts';
import { forEachStore } from '../support/stores.ts';
import { isFullSize } from '../support/test-size.ts';

const withoutIds = (results: unknown) => JSON.stringify(results).replace(/"requestId":"[^"]*",?/g, '');

const owner = (): Owner => ({ ownerId: 'anna' });
const bytes = pngOf(partSize + 10);

forEachStore(
  'a process without a ledger',
  (store) => {
    interface Scenario {
      options?: object;
      /** `inspect` rejects the upload. */
      rejects?: boolean;
      call: 'complete' | 'abort';
      /** The answer to the next call. */
      expected: [status: number, code: string | undefined];
    }
    const scenarios: [string, Scenario][] = [
      ['a completion', { call: 'complete', expected: [200, undefined] }],
      [
        'a completion that copies in parts',
        { call: 'complete', options: { copyMaxBytes: partSize }, expected: [200, undefined] },
      ],
      ['a completion that rejects', { call: 'complete', rejects: true, expected: [422, 'upload_rejected'] }],
      ['an abort', { call: 'abort', expected: [200, undefined] }],
    ];

    it.each(scenarios)(
      '%s ends correctly after a crash at any call',
      async (_, { options, rejects, call, expected }) => {
        const storage = store.storage();
        let offset = 0;
        const announced: string[] = [];
        const routes = {
          a: route({
            limits: { maxBytes: 100 * MiB },
            authorize: owner,
            inspect: () => (rejects ? { reject: 'No.' } : undefined),
            onComplete: ({ uploadId }) => {
              announced.push(uploadId);
              return announced.length > 0;
            },
          }),
        };
        const settings = { multipartMinBytes: partSize, ...options, now: () => Date.now() + offset };
        const app = createTestApp(storage, routes, settings);
        const parts = createParts(app);
        const crashes: string[] = [];
        for (let nth = 1, ended = false; !ended; nth += 1)
          for (const when of crashTimes(nth)) {
            offset = 0;
            const upload = await parts.begin(bytes);
            await parts.send(upload.grant, bytes);
            const crashing = crashStorageAt(storage, nth, when);
            const crashingApp = createTestApp(crashing.storage, routes, settings);
            ended = await endsWithoutCrash(crashingApp[call](upload.grant), crashing.state);
            if (ended) break;
            crashes.push(`${when} ${crashing.state.at}`);

            offset = 60 * 60_000;
            const where = [crashing.state.at, when];
            const { status, json } = await app[call](upload.grant);
            const lost = json.error?.code === 'upload_expired' && call === 'complete';
            expect([...where, lost, status, json.error?.code]).toEqual([...where, false, ...expected]);
            const prefix = `a/anna/${upload.uploadId}`;
            expect([...where, (await storage.list({ prefix })).objects.length]).toEqual([
              ...where,
              call === 'complete' && !rejects ? 1 : 0,
            ]);
            for (const unfinished of [prefix, `incoming/${upload.uploadId}`])
              expect([...where, (await storage.listMultiparts({ prefix: unfinished })).uploads]).toEqual([
                ...where,
                [],
              ]);
            expect([...where, await storage.head(`incoming/${upload.uploadId}`)]).toEqual([...where, null]);
            const again = await app[call](upload.grant);
            expect([...where, withoutIds(again.json.results)]).toEqual([...where, withoutIds(json.results)]);
            expect(announced.includes(upload.uploadId)).toBe(call === 'complete' && !rejects);
          }
        expect(crashes.length).toBeGreaterThanOrEqual((call === 'abort' ? 8 : 14) / (isFullSize ? 1 : 2));
      },
      600_000,
    );

    it('an abort after a crash inside a copy in parts deletes the unfinished copy', async () => {
      const storage = store.storage();
      let offset = 0;
      const routes = { a: route({ limits: { maxBytes: 100 * MiB }, authorize: owner }) };
      const settings = { multipartMinBytes: partSize, copyMaxBytes: partSize, now: () => Date.now() + offset };
      const app = createTestApp(storage, routes, settings);
      const parts = createParts(app);
      const upload = await parts.begin(bytes);
      await parts.send(upload.grant, bytes);
      const prefix = `a/anna/${upload.uploadId}`;
      const begun = async () => (await storage.listMultiparts({ prefix })).uploads.length;
      const crashingApp = createTestApp({ ...storage, copyPart: () => new Promise<never>(() => {}) }, routes, settings);
      void crashingApp.complete(upload.grant);
      await expect.poll(begun, { interval: 5 }).toBe(1);
      offset = 60 * 60_000;
      expect((await app.abort(upload.grant)).status).toBe(200);
      expect(await begun()).toBe(0);
      expect((await storage.list({ prefix })).objects).toEqual([]);
    });
  },
  // The test crashes often, so it runs only on the fast store. uploads-in-parts.test.ts tests some crashes on Ceph.
  { only: ['devstore'] },
);
