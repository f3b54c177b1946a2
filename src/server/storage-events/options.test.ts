import { expect, it } from 'vitest';
import { s3Storage } from '../../s3/index.ts';
import { anyone, createUploads, route } from '../index.ts';

const secret = 's'.repeat(32);
const topicArn = 'arn:aws:sns:eu-west-1:123456789012:uploads';

function start(events: unknown) {
  return createUploads({
    storage: s3Storage({
      bucket: 'bucket',
      region: 'eu-west-1',
      credentials: { accessKeyId: 'x', secretAccessKey: 'y' },
    }),
    secret,
    routes: { files: route({ limits: { maxBytes: 1 }, authorize: anyone }) },
    events: events as never,
  });
}

it.each<[string, unknown]>([
  ['no sender', {}],
  ['an unknown option', { secret, secrets: [] }],
  ['a short secret', { secret: 'short' }],
  ['no secret of several', { secret: [] }],
  ['a short one of several', { secret: [secret, 'short'] }],
  ['no topics', { sns: {} }],
  ['an empty list of topics', { sns: { topicArns: [] } }],
  ['a topic that is no name of one', { sns: { topicArns: ['uploads'] } }],
  ['all topics', { sns: { topicArns: ['arn:aws:sns:eu-west-1:123456789012:*'] } }],
  ['a partition whose hosts are named otherwise', { sns: { topicArns: [topicArn.replace('aws', 'aws-iso')] } }],
  ['an unknown option of SNS', { sns: { topicArns: [topicArn], verify: false } }],
])('createUploads() refuses the option `events` with %s', (_, events) => {
  expect(() => start(events)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
});

it.each<[string, unknown]>([
  ['a secret', { secret }],
  ['one of several', { secret: [secret, `${secret}2`] }],
  ['topics', { sns: { topicArns: [topicArn, topicArn.replace('aws', 'aws-cn').replace('eu-west', 'cn-north')] } }],
])('createUploads() accepts the option `events` with %s', (_, events) => {
  expect(start(events).owns('/events')).toBe(true);
});
