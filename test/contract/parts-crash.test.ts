/**
 * A process may die at any request to the storage, before it was heard or before its answer came. Each of them is
 * tried: whatever is left, the next call brings the upload to the end that it was going to.
 */
import { expect, it } from 'vitest';
import { MiB } from '../../src/protocol/index.ts';
import { type Owner, route } from '../../src/server/index.ts';
import { crashStorageAt } from '../support/crashing.ts';
import { createParts, partSize, pngOf } from '../support/multipart.ts';
import { createTestApp } from '../support/server-app.ts';
import { forEachStore } from '../support/stores.ts';

const withoutIds = (results: unknown) => JSON.stringify(results).replace(/"requestId":"[^"]*",?/g, '');

const owner = (): Owner => ({ ownerId: 'anna' });
const bytes = pngOf(partSize + 10);

forEachStore(
  'a process that dies',
  (store) => {
    interface Scenario {
      options?: object;
      /** Refuses everything. */
      strict?: boolean;
      call: 'complete' | 'abort';
      /** What the next process answers. */
      ends: [status: number, code: string | undefined];
    }
    const scenarios: [string, Scenario][] = [
      ['in a completion', { call: 'complete', ends: [200, undefined] }],
      [
        'in one that copies by parts',
        { call: 'complete', options: { copyMaxBytes: partSize }, ends: [200, undefined] },
      ],
      ['in one that refuses', { call: 'complete', strict: true, ends: [422, 'upload_rejected'] }],
      ['in an abort', { call: 'abort', ends: [200, undefined] }],
    ];

    it.each(scenarios)(
      '%s',
      async (_, { options, strict, call, ends }) => {
        const storage = store.storage();
        let offset = 0;
        const announced: string[] = [];
        const routes = {
          a: route({
            limits: { maxBytes: 100 * MiB },
            authorize: owner,
            inspect: () => (strict ? { reject: 'No.' } : undefined),
            onComplete: ({ uploadId }) => {
              announced.push(uploadId);
              return announced.length > 0;
            },
          }),
        };
        const settings = { multipartMinBytes: partSize, ...options, now: () => Date.now() + offset };
        const alive = createTestApp(storage, routes, settings);
        const parts = createParts(alive);
        const tried: string[] = [];
        for (let nth = 1, over = false; !over; nth += 1)
          for (const when of ['before', 'after'] as const) {
            offset = 0;
            const upload = await parts.begin(bytes);
            await parts.send(upload.grant, bytes);
            const dying = crashStorageAt(storage, nth, when);
            const doomed = createTestApp(dying.storage, routes, settings);
            const answered = doomed[call](upload.grant).then(() => true);
            const died = expect.poll(() => dying.state.hasCrashed, { interval: 2, timeout: 30_000 }).toBe(true);
            over = await Promise.race([answered, died.then(() => false)]);
            if (over) {
              died.catch(() => {});
              break;
            }
            tried.push(`${when} ${dying.state.at}`);

            offset = 60 * 60_000;
            const where = [dying.state.at, when];
            const { status, json } = await alive[call](upload.grant);
            const lost = json.error?.code === 'upload_expired' && call === 'complete';
            expect([...where, lost, status, json.error?.code]).toEqual([...where, false, ...ends]);
            const prefix = `a/anna/${upload.uploadId}`;
            expect([...where, (await storage.list({ prefix })).objects.length]).toEqual([
              ...where,
              call === 'complete' && !strict ? 1 : 0,
            ]);
            for (const unfinished of [prefix, `incoming/${upload.uploadId}`])
              expect([...where, (await storage.listMultiparts({ prefix: unfinished })).uploads]).toEqual([
                ...where,
                [],
              ]);
            expect([...where, await storage.head(`incoming/${upload.uploadId}`)]).toEqual([...where, null]);
            const again = await alive[call](upload.grant);
            expect([...where, withoutIds(again.json.results)]).toEqual([...where, withoutIds(json.results)]);
            expect(announced.includes(upload.uploadId)).toBe(call === 'complete' && !strict);
          }
        // Every request was among them, at least these.
        expect(tried.length).toBeGreaterThanOrEqual(call === 'abort' ? 8 : 14);
      },
      600_000,
    );

    it('in a copy by parts, of an upload that is aborted then', async () => {
      const storage = store.storage();
      let offset = 0;
      const routes = { a: route({ limits: { maxBytes: 100 * MiB }, authorize: owner }) };
      const settings = { multipartMinBytes: partSize, copyMaxBytes: partSize, now: () => Date.now() + offset };
      const alive = createTestApp(storage, routes, settings);
      const parts = createParts(alive);
      const upload = await parts.begin(bytes);
      await parts.send(upload.grant, bytes);
      const prefix = `a/anna/${upload.uploadId}`;
      const begun = async () => (await storage.listMultiparts({ prefix })).uploads.length;
      const doomed = createTestApp({ ...storage, copyPart: () => new Promise<never>(() => {}) }, routes, settings);
      void doomed.complete(upload.grant);
      await expect.poll(begun, { interval: 5, timeout: 30_000 }).toBe(1);
      offset = 60 * 60_000;
      expect((await alive.abort(upload.grant)).status).toBe(200);
      expect(await begun()).toBe(0);
      expect((await storage.list({ prefix })).objects).toEqual([]);
    });
  },
  // Ceph dies at chosen points in uploads-in-parts.test.ts: here there are many.
  { only: ['devstore'] },
);
