/** Handles one request: authenticate, find the operation, check, run. Its target was resolved by serve.ts. */
import type { Credentials } from '../s3/index.ts';
import { emptyPayload, verifyRequest } from '../s3/internal.ts';
import type { BucketCall, Call, ObjectCall, Owner, Reply } from './call.ts';
import { answerPreflight } from './cors.ts';
import { StoreError } from './errors.ts';
import { checkKey } from './keys.ts';
import { checkUnsupportedHeaders } from './object-headers.ts';
import { findOperation, type Operation } from './operations.ts';
import { checkOwner } from './ownership.ts';
import { postObject } from './post-form.ts';
import { acceptsSignatureV2, isSignatureV2, verifyPresignedV2 } from './signature-v2.ts';

export interface Pipeline {
  lookup(accessKeyId: string): Credentials | undefined;
  region: string;
  /** Milliseconds to add to the clock when expiry is checked. */
  clockAheadMs(call: Call): number;
}

export async function handleRequest(call: Call, pipeline: Pipeline): Promise<Reply> {
  if (call.method === 'OPTIONS') return answerPreflight(call);
  const now = call.store.now() + pipeline.clockAheadMs(call);
  if (isForm(call)) return postObject({ ...call, store: { ...call.store, now: () => now } }, pipeline);
  authenticate(call, pipeline, now);
  const effectiveCall: Call = { ...call, headers: withQueryHeaders(call.headers, call.query) };
  const operation = findOperation(effectiveCall);
  const { caller } = effectiveCall;
  if (!caller) throw anonymousError(effectiveCall);
  return runOperation(operation, { ...effectiveCall, caller });
}

/** A form is a POST to the bucket that is not signed as a request. */
function isForm({ method, target, headers, query }: Call): boolean {
  return (
    method === 'POST' &&
    target.bucket !== undefined &&
    target.key === undefined &&
    !headers.has('authorization') &&
    !query.has('delete') &&
    !query.has('X-Amz-Signature') &&
    !query.has('Signature')
  );
}

function authenticate(call: Call, { lookup, region }: Pipeline, now: number): void {
  const { method, rawPath, rawQuery, headers, query } = call;
  const isSigned =
    headers.has('authorization') ||
    ['X-Amz-Algorithm', 'X-Amz-Signature', 'X-Amz-Credential', 'Signature', 'AWSAccessKeyId'].some((name) =>
      query.has(name),
    );
  if (!isSigned) return;
  call.auth =
    !headers.has('authorization') && isSignatureV2(call) && acceptsSignatureV2(region)
      ? verifyPresignedV2(call, lookup, now)
      : verifyRequest({ method, rawPath, rawQuery, headers: Object.fromEntries(headers) }, { lookup, now, region });
  call.caller = call.store.ownerOf(call.auth.accessKeyId);
}

/** The error for an unsigned request. Nothing in this store is public. */
function anonymousError({ store, target }: Call): StoreError {
  if (target.bucket !== undefined && !store.buckets.get(target.bucket)) return noSuchBucket(target.bucket);
  return new StoreError('AccessDenied');
}

async function runOperation(operation: Operation, call: Call & { caller: Owner }): Promise<Reply> {
  checkEmptyPayload(call);
  if (operation.on === 'service' || operation.on === 'new bucket') return operation.run(call);
  const { target, store } = call;
  const name = target.bucket ?? '';
  const bucket = store.buckets.get(name);
  if (!bucket) throw noSuchBucket(name);
  checkOwner(call, bucket);
  const bucketCall: BucketCall = { ...call, bucket };
  if (operation.on === 'bucket') return operation.run(bucketCall);
  checkUnsupportedHeaders(call.headers);
  const objectCall: ObjectCall = { ...bucketCall, key: checkKey(target.key ?? '') };
  return operation.run(objectCall);
}

/** A request without a body must sign the hash of an empty payload. */
function checkEmptyPayload({ method, auth, headers }: Call): void {
  if (!['GET', 'HEAD', 'DELETE'].includes(method) || auth?.payload.kind !== 'sha256') return;
  if (headers.has('content-length') || headers.has('transfer-encoding')) return;
  if (auth.payload.hex !== emptyPayload)
    throw new StoreError('XAmzContentSHA256Mismatch', {
      details: { ClientComputedContentSHA256: auth.payload.hex, S3ComputedContentSHA256: emptyPayload },
    });
}

/** Older buckets may have names that the present rule does not allow. Any other name is invalid. */
function noSuchBucket(name: string): StoreError {
  const details = { BucketName: name };
  return /^[A-Za-z0-9._-]{3,255}$/.test(name)
    ? new StoreError('NoSuchBucket', { details })
    : new StoreError('InvalidBucketName', { details });
}

/** These headers may also be in the query of a presigned request, in addition to `x-amz-*`. */
const conditionsInQuery: ReadonlySet<string> = new Set(['if-match', 'if-none-match']);

/**
 * Signers may move `x-amz-*` headers of a presigned request into its query, where S3 treats them as headers.
 * Checksums are the exception: S3 ignores them in the query.
 */
function withQueryHeaders(
  headers: ReadonlyMap<string, string>,
  query: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  if (!query.has('X-Amz-Signature') && !query.has('Signature')) return headers;
  const merged = new Map(headers);
  const isVersion4 = query.has('X-Amz-Signature');
  for (const [name, value] of query) {
    const lower = name.toLowerCase();
    if (isVersion4 && conditionsInQuery.has(lower) && !merged.has(lower)) merged.set(lower, value);
    if (!lower.startsWith('x-amz-') || /^x-amz-(checksum-|sdk-checksum-)/.test(lower)) continue;
    if (/^x-amz-(algorithm|credential|date|expires|signedheaders|signature|security-token|content-sha256)$/.test(lower))
      continue;
    if (!merged.has(lower)) merged.set(lower, value);
  }
  return merged;
}
