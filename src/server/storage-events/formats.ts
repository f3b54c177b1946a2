/**
 * Parses the events of storages about created objects, in each of their formats. An event is a hint: only the name of
 * its object is used.
 *
 * - Records as S3, Ceph and MinIO write them, bare or inside SNS, SQS and Lambda envelopes, keys form-encoded:
 *   https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
 * - EventBridge, keys as they are: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
 * - R2's, as a consumer of its queue passes them on: https://developers.cloudflare.com/r2/buckets/event-notifications/
 */
import * as v from 'valibot';
import { invalid } from '../shared/errors.ts';

export interface StorageEvent {
  bucket: string;
  key: string;
  created: boolean;
}

/**
 * An SNS message that contains another message.
 * https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
 */
export const snsMessage = v.object({
  Type: v.picklist(['Notification', 'SubscriptionConfirmation', 'UnsubscribeConfirmation']),
  MessageId: v.string(),
  TopicArn: v.string(),
  Message: v.string(),
  Timestamp: v.string(),
  Subject: v.optional(v.nullable(v.string())),
  Token: v.optional(v.string()),
  SubscribeURL: v.optional(v.string()),
  SignatureVersion: v.optional(v.string()),
  Signature: v.optional(v.string()),
  SigningCertURL: v.optional(v.string()),
});

export type SnsMessage = v.InferOutput<typeof snsMessage>;

const s3Record = v.object({
  eventName: v.string(),
  s3: v.object({ bucket: v.object({ name: v.string() }), object: v.object({ key: v.string() }) }),
});
const sqsRecord = v.object({ eventSource: v.literal('aws:sqs'), body: v.string() });
const snsRecord = v.object({ EventSource: v.literal('aws:sns'), Sns: v.object({ Message: v.string() }) });
const records = v.object({ Records: v.array(v.union([s3Record, sqsRecord, snsRecord, v.object({})])) });
const eventBridge = v.object({
  'detail-type': v.string(),
  source: v.literal('aws.s3'),
  detail: v.object({ bucket: v.object({ name: v.string() }), object: v.object({ key: v.string() }) }),
});
const r2 = v.object({ action: v.string(), bucket: v.string(), object: v.object({ key: v.string() }) });
const testEvent = v.object({ Event: v.literal('s3:TestEvent') });

/** Envelopes may be nested: an SQS message can contain an SNS message, which contains the records of S3. */
const maxDepth = 4;
const maxEvents = 1000;

/** @throws {WaybillError} `invalid_request` for an unknown format */
export function parseEvents(json: unknown, depth = 0): StorageEvent[] {
  if (depth > maxDepth) throw unknown();
  if (Array.isArray(json)) {
    if (json.length > maxEvents) throw unknown();
    return json.flatMap((one) => parseEvents(one, depth + 1));
  }
  if (v.is(snsMessage, json)) return json.Type === 'Notification' ? parseEvents(parsed(json.Message), depth + 1) : [];
  if (v.is(testEvent, json)) return [];
  if (v.is(eventBridge, json)) {
    const { bucket, object } = json.detail;
    return [{ bucket: bucket.name, key: object.key, created: json['detail-type'] === 'Object Created' }];
  }
  if (v.is(r2, json))
    return [{ bucket: json.bucket, key: json.object.key, created: /^(Put|Copy|CompleteMultipart)/.test(json.action) }];
  if (!v.is(records, json) || json.Records.length > maxEvents) throw unknown();
  return json.Records.flatMap((record) => {
    if (v.is(sqsRecord, record)) return parseEvents(parsed(record.body), depth + 1);
    if (v.is(snsRecord, record)) return parseEvents(parsed(record.Sns.Message), depth + 1);
    if (!v.is(s3Record, record)) throw unknown();
    const { bucket, object } = record.s3;
    // MinIO and Ceph write `s3:ObjectCreated:Put`.
    return [{ bucket: bucket.name, key: decode(object.key), created: /^(s3:)?ObjectCreated:/.test(record.eventName) }];
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unknown();
  }
}

function decode(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    // Some gateways do not encode the key.
    return key;
  }
}

function unknown() {
  return invalid([{ path: '', message: 'is not a storage event that is known here' }]);
}
