/** `POST /upkeep` and `waitUntil`: what a deployment without a process that lives long needs. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { sqliteLedger } from '../../src/ledger/sqlite.ts';
import { type Owner, route, type UploadsEvent } from '../../src/server/index.ts';
import { createTestApp, png, send } from '../support/server-app.ts';
import { forEachStore } from '../support/stores.ts';

const secret = 'the secret of the cron service, long enough';
const webhookSecret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
const owner = (): Owner => ({ ownerId: 'anna' });
const limits = { maxBytes: 1000 };

forEachStore(
  'upkeep requests',
  (store) => {
    const closers: (() => Promise<void>)[] = [];
    afterEach(async () => {
      for (const close of closers.splice(0)) await close();
    });

    async function createApp(options: object = {}) {
      const ledger = await sqliteLedger({ file: ':memory:' });
      closers.push(() => ledger.close());
      const app = createTestApp(
        store.storage(),
        { a: route({ limits, authorize: owner }) },
        { ledger, upkeep: { secret }, onEvent: () => {}, ...options },
      );
      const upkeep = (authorization: string | undefined, method = 'POST') =>
        app.call(method, '/upkeep', '', authorization === undefined ? {} : { authorization });
      return { app, upkeep };
    }

    it.each(['POST', 'GET'])('%s /upkeep sweeps and delivers the webhooks that are due', async (method) => {
      const received: string[] = [];
      const receiver = createServer((request, response) => {
        request.resume().on('end', () => {
          received.push(String(request.headers['webhook-id']));
          response.end();
        });
      }).listen(0, '127.0.0.1');
      await once(receiver, 'listening');
      closers.push(async () => void receiver.close());
      const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
      const events: UploadsEvent[] = [];
      const { app, upkeep } = await createApp({
        publicUrl: 'https://uploads.example',
        webhooks: { url, secret: webhookSecret },
        onEvent: (event: UploadsEvent) => void events.push(event),
      });
      const upload = await app.grant(png);
      expect(await send(upload.request, png)).toBe(200);
      expect((await app.complete(upload.grant)).status).toBe(200);
      expect(received).toEqual([]);

      const answer = await upkeep(`Bearer ${secret}`, method);
      expect(answer.status).toBe(200);
      expect(JSON.parse(answer.body)).toEqual({
        sweep: expect.objectContaining({ dryRun: false, failed: 0 }),
        webhooks: { delivered: 1, failed: 0, parked: 0 },
      });
      expect(received).toHaveLength(1);
      expect(events.filter(({ type }) => type === 'sweep.ended')).toHaveLength(1);
    });

    it('answers 404 where the option is not set', async () => {
      const { upkeep } = await createApp({ upkeep: undefined });
      expect((await upkeep(`Bearer ${secret}`)).json.error?.code).toBe('route_not_found');
    });

    describe('waitUntil', () => {
      it('gets a promise that ends with the completion, from the option or from the request', async () => {
        const works: Promise<unknown>[] = [];
        const events: UploadsEvent[] = [];
        let release = () => {};
        const released = new Promise<void>((resolve) => {
          release = resolve;
        });
        const ledger = await sqliteLedger({ file: ':memory:' });
        closers.push(() => ledger.close());
        const app = createTestApp(
          store.storage(),
          { a: route({ limits, authorize: owner, onComplete: () => released }) },
          {
            ledger,
            completionWaitSeconds: 1,
            waitUntil: (work) => void works.push(work),
            onEvent: (event) => void events.push(event),
          },
        );
        const upload = await app.grant(png);
        expect(await send(upload.request, png)).toBe(200);
        const { status, json } = await app.complete(upload.grant);
        expect([status, json.results?.[0]?.completing]).toEqual([202, true]);
        expect(works).toHaveLength(1);
        const isCompleted = () => events.some(({ type }) => type === 'upload.completed');
        expect(isCompleted()).toBe(false);
        release();
        await works[0];
        expect(isCompleted()).toBe(true);
      });
    });
  },
  { only: ['devstore'] },
);
