/**
 * Storage events from a real SQS queue. SQS_TEST_ENDPOINT names a server with the SQS API; without it, vitest.config.ts
 * excludes this file. For example ElasticMQ (org.elasticmq:elasticmq-server_2.13 on Maven Central, Java 11 or newer):
 *
 *     java -cp 'jars/*' org.elasticmq.server.Main
 *     SQS_TEST_ENDPOINT=http://127.0.0.1:9324 npx vitest run test/interop/sqs-events.test.ts
 */
import { randomBytes } from 'node:crypto';
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WaybillError } from '../../src/protocol/index.ts';
import { sqsQueue, startUpkeep } from '../../src/server/index.ts';
import { png, send, stagedKey, startApp } from '../attacks/app.ts';
import { forEachStore } from '../support/stores.ts';

const endpoint = process.env.SQS_TEST_ENDPOINT ?? '';

forEachStore(
  'events in SQS',
  (store) => {
    const settings = { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'x', secretAccessKey: 'x' } };
    const sqs = new SQSClient(settings);
    let queueUrl = '';
    beforeAll(async () => {
      const created = await sqs.send(
        new CreateQueueCommand({
          QueueName: `waybill-${randomBytes(6).toString('hex')}`,
          Attributes: { VisibilityTimeout: '1' },
        }),
      );
      queueUrl = String(created.QueueUrl);
    });
    afterAll(async () => {
      await sqs.send(new DeleteQueueCommand({ QueueUrl: queueUrl }));
      sqs.destroy();
    });
    const say = (body: string) => sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: body }));
    /** Counts of visible and hidden messages. */
    const left = async () => {
      const { Attributes = {} } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['All'] }),
      );
      return Number(Attributes.ApproximateNumberOfMessages) + Number(Attributes.ApproximateNumberOfMessagesNotVisible);
    };
    const record = (key: string) => ({
      Records: [{ eventName: 'ObjectCreated:Put', s3: { bucket: { name: store.bucket }, object: { key } } }],
    });

    it('complete each upload once; a failed event is received again, and other messages are deleted', async () => {
      const app = await startApp(store);
      const granted = await Promise.all([1, 2, 3].map(() => app.grant(png)));
      for (const { request } of granted) expect((await send(request, png)).status).toBe(200);
      const keys = granted.map(({ request }) => stagedKey(store, request));
      await say('no JSON');
      await say(JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: store.bucket }));
      for (const key of keys) {
        await say(JSON.stringify(record(key)));
        await say(JSON.stringify({ Type: 'Notification', ...sns, Message: JSON.stringify(record(key)) }));
      }
      const errors: unknown[] = [];
      let busy = 2;
      const uploads = {
        ...app.uploads,
        async handleStorageEvent(event: unknown) {
          if (busy-- > 0) throw new WaybillError('storage_unavailable', 'Busy.');
          return app.uploads.handleStorageEvent(event);
        },
      };
      const polling = startUpkeep(uploads, {
        everySeconds: 0,
        eventQueue: sqsQueue({ queueUrl, ...settings }),
        onError: (error) => errors.push(error),
      });
      await expect.poll(left, { timeout: 30_000, interval: 200 }).toBe(0);
      const before = performance.now();
      await polling.stop();
      // A poll waits for up to twenty seconds.
      expect(performance.now() - before).toBeLessThan(5000);
      expect(app.announced.map(({ uploadId }) => uploadId).sort()).toEqual(
        granted.map(({ uploadId }) => uploadId).sort(),
      );
      expect(errors).toHaveLength(3);
      await app.stop();
    });
  },
  { only: ['devstore', 'ceph'] },
);

const sns = { MessageId: '1', TopicArn: 'arn:aws:sns:us-east-1:123456789012:x', Timestamp: '2026-01-01T00:00:00.000Z' };
