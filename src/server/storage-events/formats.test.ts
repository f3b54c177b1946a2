import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isWaybillError } from '../../protocol/index.ts';
import { parseEvents } from './formats.ts';

const key = `incoming/${'a'.repeat(32)}`;

/** As in https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html, shortened. */
const s3 = (object: object = { key }, eventName = 'ObjectCreated:Put') => ({
  Records: [
    {
      eventVersion: '2.1',
      eventSource: 'aws:s3',
      awsRegion: 'us-west-2',
      eventTime: '1970-01-01T00:00:00.000Z',
      eventName,
      userIdentity: { principalId: 'AIDAJDPLRKLG7UEXAMPLE' },
      s3: {
        s3SchemaVersion: '1.0',
        configurationId: 'testConfigRule',
        bucket: { name: 'mybucket', ownerIdentity: { principalId: 'A3NL1KOZZKExample' }, arn: 'arn:aws:s3:::mybucket' },
        object: { size: 1024, eTag: 'd41d8cd98f00b204e9800998ecf8427e', sequencer: '0055AED6DCD90281E5', ...object },
      },
    },
  ],
});

const sns = (message: unknown) => ({
  Type: 'Notification',
  MessageId: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324',
  TopicArn: 'arn:aws:sns:us-west-2:123456789012:MyTopic',
  Subject: 'Amazon S3 Notification',
  Message: JSON.stringify(message),
  Timestamp: '2012-05-02T00:54:06.655Z',
  SignatureVersion: '1',
  Signature: 'EXAMPLEw6JRN...',
  SigningCertURL: 'https://sns.us-west-2.amazonaws.com/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem',
});

const created = [{ bucket: 'mybucket', key, created: true }];

describe('storage events', () => {
  it.each<[string, unknown, unknown]>([
    ['S3', s3(), created],
    ['S3, a removal', s3({ key }, 'ObjectRemoved:Delete'), [{ ...created[0], created: false }]],
    ['S3, an encoded key', s3({ key: 'a+b%2Bc/%C3%BC.jpg' }), [{ ...created[0], key: 'a b+c/ü.jpg' }]],
    ['a key that is no encoding', s3({ key: '100%' }), [{ ...created[0], key: '100%' }]],
    ['MinIO', { EventName: 's3:ObjectCreated:Put', Key: 'x', ...s3({ key }, 's3:ObjectCreated:Put') }, created],
    ['Ceph', s3({ key, metadata: [], tags: [] }, 's3:ObjectCreated:Post'), created],
    ['S3 in SNS', sns(s3()), created],
    ['S3 in SNS in SQS in Lambda', { Records: [{ eventSource: 'aws:sqs', body: JSON.stringify(sns(s3())) }] }, created],
    ['S3 in SNS in Lambda', { Records: [{ EventSource: 'aws:sns', Sns: { Message: JSON.stringify(s3()) } }] }, created],
    ['several at once', [s3(), s3()], [...created, ...created]],
    [
      'EventBridge, whose keys are as they are',
      {
        version: '0',
        'detail-type': 'Object Created',
        source: 'aws.s3',
        detail: {
          bucket: { name: 'mybucket' },
          object: { key: 'a+b', size: 5, etag: 'e', sequencer: '1' },
          reason: 'PutObject',
        },
      },
      [{ bucket: 'mybucket', key: 'a+b', created: true }],
    ],
    [
      'EventBridge, a deletion',
      { 'detail-type': 'Object Deleted', source: 'aws.s3', detail: { bucket: { name: 'mybucket' }, object: { key } } },
      [{ ...created[0], created: false }],
    ],
    ['R2', { account: 'x', action: 'PutObject', bucket: 'mybucket', object: { key, size: 1, eTag: 'e' } }, created],
    ["S3's test", { Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'mybucket' }, []],
    ['a confirmation', { ...sns('You have chosen'), Type: 'SubscriptionConfirmation' }, []],
    ['no records', { Records: [] }, []],
  ])('are parsed in the format of %s', (_, json, events) => expect(parseEvents(json)).toEqual(events));

  const nested = (depth: number): unknown => (depth === 0 ? s3() : sns(nested(depth - 1)));

  it.each<[string, unknown]>([
    ['nothing', null],
    ['a number', 5],
    ['an object', {}],
    ['records of something else', { Records: [{ a: 1 }] }],
    [
      'a record without a key',
      { Records: [{ eventName: 'ObjectCreated:Put', s3: { bucket: { name: 'b' }, object: {} } }] },
    ],
    ['text in an envelope', sns('hello')],
    ['envelopes without end', nested(8)],
    ['too many', { Records: Array.from({ length: 1001 }, () => s3().Records[0]) }],
    [
      'another source of EventBridge',
      { 'detail-type': 'Object Created', source: 'mine', detail: { bucket: { name: 'b' }, object: { key } } },
    ],
  ])('are refused: %s', (_, json) => {
    expect(() => parseEvents(json)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
  });

  it('are parsed or refused for any input', () => {
    const word = fc.constantFrom(
      'Records',
      's3',
      'bucket',
      'object',
      'key',
      'name',
      'body',
      'Sns',
      'Message',
      'detail',
    );
    const value = fc.constantFrom(
      'aws:sqs',
      'aws:sns',
      'aws.s3',
      'Notification',
      'ObjectCreated:Put',
      '{"Records":[]}',
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof({ maxDepth: 6 }, value, fc.jsonValue({ maxDepth: 1 }), tie('list'), tie('object')),
      list: fc.array(tie('tree'), { maxLength: 3 }),
      object: fc.dictionary(
        fc.oneof(word, fc.constantFrom('Type', 'eventSource', 'EventSource', '__proto__')),
        tie('tree'),
      ),
    }));
    // One field of a good one replaced: this comes further than noise.
    const bent = fc.tuple(fc.constantFrom<unknown>(s3(), sns(s3())), fc.nat(), tree).map(([good, at, put]) => {
      const fields = JSON.stringify(good).match(/"[^"]*":/g)?.length ?? 1;
      let seen = 0;
      return JSON.parse(JSON.stringify(good), (_, old) => (seen++ === at % fields ? put : old)) as unknown;
    });
    let understood = 0;
    fc.assert(
      fc.property(fc.oneof(tree, bent), (json) => {
        try {
          for (const { bucket, key } of parseEvents(json))
            expect([typeof bucket, typeof key]).toEqual(['string', 'string']);
          understood += 1;
        } catch (error) {
          expect(isWaybillError(error) && error.code).toBe('invalid_request');
        }
      }),
      { numRuns: 3000 },
    );
    expect(understood).toBeGreaterThan(100);
  });
});
