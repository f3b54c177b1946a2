import { expect, it } from 'vitest';
import { S3Error } from '../../s3/index.ts';
import { isMissing, isPreconditionFailed } from './storage-errors.ts';

it.each([412, 200])('isPreconditionFailed() recognises PreconditionFailed with status %i', (status) => {
  const error = new S3Error({ code: 'PreconditionFailed', status });
  expect([isPreconditionFailed(error), isMissing(error)]).toEqual([true, false]);
});

it.each([404, 200])('isMissing() recognises NoSuchKey with status %i', (status) => {
  const error = new S3Error({ code: 'NoSuchKey', status });
  expect([isPreconditionFailed(error), isMissing(error)]).toEqual([false, true]);
});

it.each([
  ['another S3 error', new S3Error({ code: 'InternalError', status: 200 })],
  ['another error', Object.assign(new Error('gone'), { status: 404 })],
])('isPreconditionFailed() and isMissing() do not recognise %s', (_, error) => {
  expect([isPreconditionFailed(error), isMissing(error)]).toEqual([false, false]);
});
