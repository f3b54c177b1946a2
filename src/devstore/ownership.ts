/** Checks the owner of a bucket. An account may do everything with its own buckets and nothing with others. */
import type { Bucket } from './bucket.ts';
import type { Call } from './call.ts';
import { StoreError } from './errors.ts';

/** @throws StoreError AccessDenied, InvalidBucketOwnerAWSAccountID */
export function checkOwner(
  { caller, headers, store }: Call,
  bucket: Bucket,
  expectation: 'x-amz-expected-bucket-owner' | 'x-amz-source-expected-bucket-owner' = 'x-amz-expected-bucket-owner',
): void {
  if (caller?.id !== bucket.info.ownerId) throw new StoreError('AccessDenied');
  const expected = headers.get(expectation);
  if (expected === undefined) return;
  if (!/^\d{12}$/.test(expected))
    throw new StoreError('InvalidBucketOwnerAWSAccountID', {
      message: `The value of the expected bucket owner parameter must be an AWS Account ID... [${expected}]`,
    });
  if (expected !== store.ownerById(bucket.info.ownerId).accountId) throw new StoreError('AccessDenied');
}
