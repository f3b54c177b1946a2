/** Delivery of webhooks: signatures, retries, parking, concurrency and the options. */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  type DeliveryOptions,
  type Ledger,
  type Owner,
  route,
  startUpkeep,
  type WebhooksOptions,
} from '../../src/server/index.ts';
import { deliverDueWebhooks } from '../../src/server/webhooks/deliver.ts';
import { checkWebhooks } from '../../src/server/webhooks/options.ts';
import { forEachLedger } from '../support/ledgers.ts';
import { createTestApp, png, send } from '../support/server-app.ts';
import { forEachStore } from '../support/stores.ts';

const owner = (): Owner => ({ ownerId: 'anna' });
const limits = { maxBytes: 100_000 };
const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
const olderSecret = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;

interface Received {
  headers: IncomingHttpHeaders;
  body: string;
}

forEachStore(
  'webhooks',
  (store) => {
    forEachLedger('ledger', (testLedger) => {
      const received: Received[] = [];
      let answer: (n: number) => { status: number; headers?: Record<string, string> } | null;
      let server: Server;
      let url: string;
      beforeEach(async () => {
        received.length = 0;
        answer = () => ({ status: 204 });
        server = createServer((request, response) => {
          const chunks: Buffer[] = [];
          request.on('data', (chunk: Buffer) => chunks.push(chunk));
          request.on('end', () => {
            received.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
            const chosen = answer(received.length);
            if (chosen) response.writeHead(chosen.status, chosen.headers).end('x'.repeat(100_000));
            else request.socket.destroy();
          });
        });
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
        url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
      });
      afterEach(async () => {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      });

      const clock = { offset: 0 };
      async function start(more: Partial<WebhooksOptions> = {}) {
        clock.offset = 0;
        const now = () => Date.now() + clock.offset;
        const ledger = await testLedger.open({ now });
        const webhooks: WebhooksOptions = { url, secret, ...more };
        let rejects = false;
        const app = createTestApp(
          store.storage(),
          {
            a: route({
              limits,
              authorize: owner,
              inspect: () => (rejects ? { reject: 'No.' } : undefined),
              onComplete: () => ({ n: 1 }),
            }),
          },
          { ledger, webhooks, publicUrl: 'https://uploads.example' },
        );
        const complete = async () => {
          const upload = await app.grant(png);
          await send(upload.request, png);
          const { json } = await app.complete(upload.grant);
          return { upload, file: json.results?.[0]?.file };
        };
        return {
          ledger,
          complete,
          rejectAll: () => {
            rejects = true;
          },
          uploads: app.uploads,
          deliver: (options: DeliveryOptions = {}, deliveringLedger: Ledger = ledger) =>
            deliverDueWebhooks(
              { ledger: deliveringLedger, webhooks: checkWebhooks(webhooks), now: Date.now },
              { random: () => 0.5, ...options },
            ),
        };
      }
      const headersOf = ({ headers }: Received) => headers as Record<string, string>;

      it('a completed upload sends one webhook that Standard Webhooks verifies', async () => {
        const { complete, deliver } = await start();
        const { upload, file } = await complete();
        expect(await deliver()).toMatchObject([{ type: 'upload.completed', outcome: 'delivered', attempts: 1 }]);
        expect(await deliver()).toEqual([]);
        expect(received).toHaveLength(1);
        const [message] = received as [Received];
        const payload = new Webhook(secret).verify(message.body, headersOf(message));
        expect(payload).toEqual({
          type: 'upload.completed',
          timestamp: expect.any(String),
          data: { uploadId: upload.uploadId, route: 'a', ownerId: 'anna', file, data: { n: 1 } },
        });
        expect(message.headers['webhook-id']).toBe(`msg_${upload.uploadId}_completed`);
        expect(() => new Webhook(olderSecret).verify(message.body, headersOf(message))).toThrow();
        expect(() => new Webhook(secret).verify(message.body.replace('anna', 'eve1'), headersOf(message))).toThrow();
      });

      it('a rejected upload sends a webhook, and only the events of the options are sent', async () => {
        const { complete, deliver, rejectAll } = await start();
        rejectAll();
        await complete();
        await deliver();
        expect(JSON.parse(received[0]?.body ?? '')).toMatchObject({
          type: 'upload.rejected',
          data: { error: { code: 'upload_rejected' } },
        });
        const some = await start({ events: ['upload.rejected'] });
        await some.complete();
        expect(await some.deliver()).toEqual([]);
      });

      it('a webhook is signed with every secret of a rotation', async () => {
        const { complete, deliver } = await start({ secret: [secret, olderSecret] });
        await complete();
        await deliver();
        const [message] = received as [Received];
        for (const each of [secret, olderSecret])
          expect(new Webhook(each).verify(message.body, headersOf(message))).toBeTruthy();
      });

      it('a webhook is retried with the same id until it is accepted', async () => {
        const { complete, deliver, ledger } = await start();
        answer = (n) =>
          n === 1
            ? { status: 503 }
            : n === 2
              ? null
              : n === 3
                ? { status: 302, headers: { location: url } }
                : { status: 200 };
        await complete();
        expect(await deliver()).toMatchObject([{ outcome: 'failed', reason: 'HTTP 503' }]);
        expect(await deliver()).toEqual([]);
        expect(await ledger.counts()).toMatchObject({ pendingWebhooks: 1 });
        for (const outcome of ['failed', 'failed', 'delivered']) {
          clock.offset += 3_600_000;
          expect(await deliver()).toMatchObject([{ outcome }]);
        }
        expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
        expect(received).toHaveLength(4);
        expect(await ledger.counts()).toMatchObject({ pendingWebhooks: 0, parkedWebhooks: 0 });
      });

      it('a retry waits as long as Retry-After says', async () => {
        const { complete, deliver } = await start();
        answer = (n) => (n === 1 ? { status: 429, headers: { 'retry-after': '3600' } } : { status: 200 });
        await complete();
        await deliver();
        clock.offset += 1_800_000;
        expect(await deliver()).toEqual([]);
        clock.offset += 1_900_000;
        expect(await deliver()).toMatchObject([{ outcome: 'delivered' }]);
      });

      it('a webhook is parked after eleven attempts or on 410, and replayWebhook() sends it again', async () => {
        const { complete, deliver, ledger } = await start();
        answer = () => ({ status: 500 });
        const { upload } = await complete();
        let tries = 0;
        for (let parked = 0; parked === 0 && tries < 30; tries += 1) {
          await deliver();
          parked = (await ledger.counts()).parkedWebhooks;
          clock.offset += 48 * 3_600_000;
        }
        expect(tries).toBe(11);
        expect(await deliver()).toEqual([]);
        answer = () => ({ status: 410 });
        const webhookId = `msg_${upload.uploadId}_completed`;
        await ledger.replayWebhook(webhookId);
        expect(await deliver()).toMatchObject([{ outcome: 'parked', reason: 'HTTP 410' }]);
        answer = () => ({ status: 200 });
        await ledger.replayWebhook(webhookId);
        expect(await deliver()).toMatchObject([{ outcome: 'delivered' }]);
      });

      it('two processes deliver different webhooks, and those of a crashed one are sent again', async () => {
        const { complete, deliver, ledger } = await start();
        await Promise.all(Array.from({ length: 40 }, complete));
        await Promise.all([deliver(), deliver()]);
        const ids = received.map(({ headers }) => headers['webhook-id']);
        expect(new Set(ids).size).toBe(40);
        expect(ids).toHaveLength(40);
        const { upload } = await complete();
        const crashing: Ledger = { ...ledger, recordWebhookDelivery: () => new Promise(() => {}) };
        void deliver({}, crashing);
        await expect.poll(() => received.length).toBe(41);
        expect(await deliver()).toEqual([]);
        clock.offset += 3_600_000;
        expect(await deliver()).toMatchObject([{ webhookId: `msg_${upload.uploadId}_completed`, attempts: 2 }]);
      });

      it('a stalled process does not change a webhook that another one delivered', async () => {
        const { complete, deliver, ledger } = await start();
        const { upload } = await complete();
        const webhookId = `msg_${upload.uploadId}_completed`;
        await ledger.takeWebhooks(1, 1000);
        clock.offset += 3_600_000;
        expect(await deliver()).toMatchObject([{ outcome: 'delivered' }]);
        await ledger.recordWebhookFailure(webhookId, 'late', 0);
        await ledger.recordWebhookFailure(webhookId, 'later', null);
        expect(await deliver()).toEqual([]);
        expect(await ledger.counts()).toMatchObject({ pendingWebhooks: 0, parkedWebhooks: 0 });
      });

      it('a webhook is sent again with its id when recording the delivery failed', async () => {
        const { complete, deliver, ledger } = await start();
        for (let n = 0; n < 3; n += 1) await complete();
        let calls = 0;
        const failingOnce: Ledger = {
          ...ledger,
          async recordWebhookDelivery(id) {
            calls += 1;
            if (calls === 1) throw new Error('connection lost');
            await ledger.recordWebhookDelivery(id);
          },
        };
        await expect(deliver({}, failingOnce)).rejects.toThrow('connection lost');
        expect([received.length, calls]).toEqual([3, 3]);
        clock.offset += 3_600_000;
        expect(await deliver()).toMatchObject([{ outcome: 'delivered', attempts: 2 }]);
        const ids = received.map(({ headers }) => headers['webhook-id']);
        expect([ids.length, new Set(ids).size]).toEqual([4, 3]);
      });

      it('the reason of a failed delivery contains neither the URL nor the secret', async () => {
        const { complete, deliver, ledger } = await start({ url: `${url}?token=url-token` });
        await complete();
        answer = () => ({ status: 500 });
        const silent: typeof fetch = (_, init) =>
          new Promise((_, reject) => {
            init?.signal?.addEventListener('abort', () => reject(init.signal?.reason));
          });
        const reasons: (string | undefined)[] = [];
        const attempt = async (given: Parameters<typeof deliver>[0]) => {
          reasons.push((await deliver(given))[0]?.reason);
          clock.offset += 48 * 3_600_000;
        };
        await attempt({});
        await attempt({ fetch: silent, timeoutMs: 20 });
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
        await attempt({});
        const broken = expect.stringMatching(/^(ECONNREFUSED|UND_ERR_SOCKET)$/);
        expect(reasons).toEqual(['HTTP 500', 'no answer in 20 ms', broken]);
        const { webhooks } = await ledger.listWebhooks();
        expect(webhooks).toMatchObject([{ lastError: broken }]);
        expect(JSON.stringify([reasons, webhooks])).not.toMatch(/url-token|whsec_|127\.0\.0\.1/);
      });

      it('deliverDue() stops when its signal aborts, and the next call sends the rest', async () => {
        const { complete, deliver } = await start();
        await Promise.all(Array.from({ length: 40 }, complete));
        const stopping = new AbortController();
        const first = await deliver({ signal: stopping.signal, onDelivery: () => stopping.abort() });
        expect(first.length).toBeGreaterThan(0);
        expect(first.length).toBeLessThanOrEqual(8);
        expect(await deliver()).toHaveLength(40 - first.length);
        const ids = received.map(({ headers }) => headers['webhook-id']);
        expect([ids.length, new Set(ids).size]).toEqual([40, 40]);
      });

      it('startUpkeep() delivers in the background', async () => {
        const { complete, uploads } = await start();
        await complete();
        const delivering = startUpkeep(uploads, { everySeconds: 0, deliverEverySeconds: 0.01 });
        await expect.poll(() => received.length).toBe(1);
        await complete();
        await expect.poll(() => received.length).toBe(2);
        await delivering.stop();
      });
    });

    it.each<[string, object]>([
      ['http to another host', { url: 'http://app.example/hook', secret }],
      ['a name and a password', { url: 'https://user:word@app.example/hook', secret }],
      ['no url', { secret }],
      ['a secret in another format', { url: 'https://app.example', secret: 'x'.repeat(40) }],
      ['a short secret', { url: 'https://app.example', secret: `whsec_${Buffer.alloc(23).toString('base64')}` }],
      ['a truncated secret', { url: 'https://app.example', secret: secret.slice(0, -1) }],
      ['a repeated secret', { url: 'https://app.example', secret: [secret, secret] }],
      ['an unknown event', { url: 'https://app.example', secret, events: ['upload.exploded'] }],
      ['an unknown option', { url: 'https://app.example', secret, retries: 3 }],
    ])('createUploads() refuses webhooks with %s', (_, webhooks) => {
      const routes = { a: route({ limits, authorize: owner }) };
      const make = () =>
        createTestApp(store.storage(), routes, { ledger: {} as Ledger, webhooks: webhooks as WebhooksOptions });
      expect(make).toThrow(
        expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining('webhooks') }),
      );
      expect(make).not.toThrow(/whsec_[A-Za-z0-9]|user:word/);
    });

    it('createUploads() requires publicUrl for upload.completed, but not for upload.rejected', () => {
      const make = (more: object) =>
        createTestApp(
          store.storage(),
          { a: route({ limits, authorize: owner }) },
          { ledger: {} as Ledger, webhooks: { url: 'https://app.example', secret, ...more } },
        );
      expect(() => make({})).toThrow(/publicUrl.*WAYBILL_PUBLIC_URL/);
      expect(() => make({ events: ['upload.rejected'] })).not.toThrow();
    });

    it('createUploads() refuses webhooks without a ledger', () => {
      const make = () =>
        createTestApp(
          store.storage(),
          { a: route({ limits, authorize: owner }) },
          { webhooks: { url: 'https://app.example', secret } },
        );
      expect(make).toThrow(/needs a ledger/);
    });
  },
  { only: ['devstore'] },
);
