/** Ceph notifies the server of an upload whose client has disappeared. Notifications are real and arrive by HTTP. */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { PutBucketNotificationConfigurationCommand } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { WaybillError } from '../../src/protocol/index.ts';
import { png, send, startApp } from '../attacks/app.ts';
import { forEachStore } from '../support/stores.ts';

const secret = randomBytes(24).toString('hex');

/** Calls CreateTopic of Ceph's SNS API, which uses the port of the gateway, signed by SigV4 for the service `sns`. */
async function createTopic(
  {
    endpoint,
    region,
    credentials,
  }: { endpoint: string; region: string; credentials: { accessKeyId: string; secretAccessKey: string } },
  name: string,
  attributes: [string, string][],
): Promise<string> {
  const form = new URLSearchParams({ Action: 'CreateTopic', Version: '2010-03-31', Name: name });
  for (const [index, [key, value]] of attributes.entries()) {
    form.set(`Attributes.entry.${index + 1}.key`, key);
    form.set(`Attributes.entry.${index + 1}.value`, value);
  }
  const body = form.toString();
  const amzDate = `${new Date().toISOString().replace(/[-:]/g, '').slice(0, 15)}Z`;
  const scope = `${amzDate.slice(0, 8)}/${region}/sns/aws4_request`;
  const sha = (text: string) => createHash('sha256').update(text).digest('hex');
  const { host } = new URL(endpoint);
  const type = 'application/x-www-form-urlencoded';
  const signed = 'content-type;host;x-amz-content-sha256;x-amz-date';
  const canonical = `POST\n/\n\ncontent-type:${type}\nhost:${host}\nx-amz-content-sha256:${sha(body)}\nx-amz-date:${amzDate}\n\n${signed}\n${sha(body)}`;
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const [day, ...rest] = scope.split('/');
  let key = hmac(`AWS4${credentials.secretAccessKey}`, day as string);
  for (const part of rest) key = hmac(key, part);
  const signature = hmac(key, `AWS4-HMAC-SHA256\n${amzDate}\n${scope}\n${sha(canonical)}`).toString('hex');
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': type,
      'x-amz-date': amzDate,
      'x-amz-content-sha256': sha(body),
      authorization: `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`,
    },
    body,
  });
  const text = await response.text();
  const arn = /<TopicArn>([^<]+)</.exec(text)?.[1];
  if (!arn) throw new Error(`no topic: ${response.status} ${text}`);
  return arn;
}

forEachStore(
  'notifications of a store',
  (store) => {
    async function notify(bucket: string, attributes: [string, string][]): Promise<void> {
      const arn = await createTopic(store, `waybill-${randomBytes(4).toString('hex')}`, attributes);
      await (await store.sdk()).send(
        new PutBucketNotificationConfigurationCommand({
          Bucket: bucket,
          NotificationConfiguration: {
            TopicConfigurations: [{ Id: 'waybill', TopicArn: arn, Events: ['s3:ObjectCreated:*'] }],
          },
        }),
      );
    }

    it('complete an upload whose client has disappeared', async () => {
      const app = await startApp(store, { events: { secret } } as never);
      try {
        await notify(store.bucket, [['push-endpoint', `${app.origin}/events?secret=${secret}`]]);
        const upload = await app.grant(png);
        expect((await send(upload.request, png)).status).toBe(200);
        await expect.poll(() => app.announced.map(({ uploadId }) => uploadId)).toEqual([upload.uploadId]);
        expect(app.announced[0]?.file.size).toBe(png.length);
        const told = expect.objectContaining({ type: 'storage.event', completed: 1 });
        await expect.poll(() => app.events).toContainEqual(told);
      } finally {
        await app.stop();
      }
    });

    it('are repeated when they are persistent and the server failed', async () => {
      let busy = 2;
      const bucket = await store.createBucket();
      const storage = store.storage({ bucket });
      const head: typeof storage.head = async (key) => {
        if (key.startsWith('incoming/') && busy-- > 0) throw new WaybillError('storage_unavailable', 'Busy.');
        return storage.head(key);
      };
      const app = await startApp(store, { events: { secret }, storage: { ...storage, head } } as never);
      try {
        await notify(bucket, [
          ['push-endpoint', `${app.origin}/events?secret=${secret}`],
          ['persistent', 'true'],
        ]);
        const upload = await app.grant(png);
        expect((await send(upload.request, png)).status).toBe(200);
        // Two attempts failed, and the third succeeded.
        const outcomes = () =>
          app.events.flatMap((event) => {
            const { type, failed, completed } = event as { type: string; failed: boolean; completed: number };
            return type === 'storage.event' && (failed || completed > 0) ? [failed] : [];
          });
        await expect.poll(outcomes, { timeout: 100_000 }).toEqual([true, true, false]);
        expect(app.announced.map(({ uploadId }) => uploadId)).toEqual([upload.uploadId]);
      } finally {
        await app.stop();
      }
    });
  },
  { only: ['ceph'] },
);
