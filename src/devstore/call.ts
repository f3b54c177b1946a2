/** A request as handlers see it, and the reply that they return. */
import type { IncomingMessage } from 'node:http';
import type { VerifiedRequest } from '../s3/internal.ts';
import type { Bucket } from './bucket.ts';
import type { Buckets } from './buckets.ts';
import { StoreError } from './errors.ts';
import type { Target } from './target.ts';

export interface Owner {
  /** Canonical user ID. */
  id: string;
  displayName: string;
  /** 12 digits. */
  accountId: string;
}

export interface Store {
  buckets: Buckets;
  region: string;
  /** The owner of an access key that has been verified. */
  ownerOf(accessKeyId: string): Owner;
  ownerById(id: string): Owner;
  /** Milliseconds since the epoch. */
  now(): number;
  /** 0 <= n < 1; for identifiers of requests only. */
  random(): number;
  idleTimeoutMs: number;
  /** Whether the ETag of an object that was not sent in parts is its MD5. */
  md5Etags: boolean;
}

export interface Call {
  readonly store: Store;
  readonly request: IncomingMessage;
  readonly method: string;
  readonly rawPath: string;
  readonly rawQuery: string;
  readonly query: ReadonlyMap<string, string>;
  /** Lower-case names; values are byte strings. */
  readonly headers: ReadonlyMap<string, string>;
  readonly target: Target;
  readonly requestId: string;
  /** Undefined until the request is authenticated. */
  auth: VerifiedRequest | undefined;
  caller: Owner | undefined;
  /** Counts the bytes of the body as they are read. */
  readonly countReceived: (bytes: number) => void;
  /** Sets the key for the report of the request, when it is a form, whose key is in its body. */
  readonly setFormKey: (key: string) => void;
  /** Sends `100 Continue` when the client waits for it. */
  sendContinue(): void;
}

export interface Reply {
  status: number;
  headers?: Readonly<Record<string, string | undefined>>;
  /** `read` is called only when the response has a body. */
  body?: string | { size: number; read(): AsyncIterable<Buffer>; close(): Promise<void> };
}

/** A call for a bucket that exists and that the caller may use. */
export interface BucketCall extends Call {
  readonly bucket: Bucket;
  readonly caller: Owner;
}

export interface ObjectCall extends BucketCall {
  /** Byte string. */
  readonly key: string;
}

export function xmlReply(xml: string, headers: Reply['headers'] = {}): Reply {
  return { status: 200, headers: { 'content-type': 'application/xml', ...headers }, body: xml };
}

export const noContent: Reply = { status: 204 };

export function quoteEtag(etag: string): string {
  return `"${etag}"`;
}

/** The error of a write whose bucket was deleted while its body was received. */
export function deletedBucket(bucket: Bucket): StoreError {
  return new StoreError('NoSuchBucket', { details: { BucketName: bucket.info.name } });
}

export function noSuchKey(key: string): StoreError {
  return new StoreError('NoSuchKey', { details: { Key: Buffer.from(key, 'latin1').toString() } });
}
