/** G11: the outbox deletes messages about deleted files. Attack ids: docs/threat-model.md. */
import { afterEach, expect, it } from 'vitest';
import { forEachLedger } from '../support/ledgers.ts';
import { forEachStore } from '../support/stores.ts';
import { type App, png, send, startApp } from './app.ts';

const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;

forEachStore(
  'the outbox',
  (store) => {
    forEachLedger('ledger', (testLedger) => {
      const started: App[] = [];
      afterEach(async () => {
        await Promise.all(started.splice(0).map((each) => each.stop()));
      });

      async function start() {
        const clock = { offset: 0 };
        const now = () => Date.now() + clock.offset;
        const ledger = await testLedger.open({ now });
        // No webhook is sent. Each test marks messages as delivered itself.
        // Messages about the deletion itself are left out.
        const events = ['upload.completed', 'upload.rejected'];
        const webhooks = { url: 'http://127.0.0.1:9/hook', secret, events };
        const app = await startApp(store, { ledger, webhooks, now, publicUrl: 'http://127.0.0.1:9' } as never);
        started.push(app);
        const messages = async () => (await ledger.listWebhooks()).webhooks;
        return { app, ledger, clock, messages };
      }

      it('G11 a delivered message is deleted with its file', async () => {
        const { app, ledger, messages } = await start();
        const { completed } = await app.store(png, { fileName: 'my secret diary.png' });
        const kept = await app.store(png, { fileName: 'another.png' });
        for (const { webhookId } of await ledger.takeWebhooks(10, 1000)) await ledger.recordWebhookDelivery(webhookId);
        expect(await messages()).toHaveLength(2);
        await app.uploads.deleteFile(completed.file.key);
        expect((await messages()).map(({ uploadId }) => uploadId)).toEqual([kept.upload.uploadId]);
      });

      it('G11 a message that is not delivered yet is delivered first and then deleted', async () => {
        const { app, ledger, messages } = await start();
        const { completed } = await app.store(png);
        await app.uploads.deleteFile(completed.file.key);
        const [message] = await ledger.takeWebhooks(10, 1000);
        expect(message?.type).toBe('upload.completed');
        await ledger.recordWebhookDelivery(message?.webhookId as string);
        expect(await messages()).toEqual([]);
      });

      it('G11 a message is deleted when the record of its upload is deleted', async () => {
        const { app, ledger, clock, messages } = await start();
        const upload = await app.grant(Buffer.from('<!doctype html>'), { contentType: 'image/png' });
        await send(upload.request, Buffer.from('<!doctype html>'));
        await app.complete(upload.grant);
        expect(await messages()).toMatchObject([{ type: 'upload.rejected' }]);
        clock.offset = 1000;
        expect(await ledger.forget(0, 10)).toBe(1);
        expect(await messages()).toEqual([]);
      });
    });
  },
  { only: ['devstore'] },
);
