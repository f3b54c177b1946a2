/**
 * Every operation of the store: its method, its target, the sub-resource that selects it, and its handler. A
 * sub-resource of S3 that is not in this table is refused, never ignored.
 */
import { getBucketAcl, getObjectAcl, putBucketAcl, putObjectAcl } from './acl.ts';
import { getObjectAttributes } from './attributes.ts';
import { defaultSettings, deleteSetting, getDefaultSetting } from './bucket-settings.ts';
import type { BucketCall, Call, ObjectCall, Owner, Reply } from './call.ts';
import { copyObject } from './copy.ts';
import { deleteBucketCors, getBucketCors, putBucketCors } from './cors.ts';
import { deleteObject, deleteObjects } from './delete.ts';
import { StoreError } from './errors.ts';
import { getObject, headObject } from './get.ts';
import { listObjects, listObjectsV2, listObjectVersions } from './list.ts';
import { abortMultipartUpload, completeMultipartUpload, createMultipartUpload } from './multipart.ts';
import { listMultipartUploads, listParts } from './multipart-lists.ts';
import { uploadPart, uploadPartCopy } from './parts.ts';
import { putObject } from './put.ts';
import { createBucket, deleteBucket, getBucketLocation, headBucket, listBuckets } from './service.ts';
import {
  deleteBucketTagging,
  deleteObjectTagging,
  getBucketTagging,
  getObjectTagging,
  putBucketTagging,
  putObjectTagging,
} from './tagging.ts';

interface Selector {
  name: string;
  method: string;
  /** Query parameters that select the operation. */
  query: readonly string[];
  /** A header that selects the operation. */
  header?: string;
  /** Further sub-resources that the operation accepts. */
  optionalQuery?: readonly string[];
}

export type Operation = Selector &
  (
    | { on: 'service' | 'new bucket'; run(call: Call & { caller: Owner }): Promise<Reply> }
    | { on: 'bucket'; run(call: BucketCall): Promise<Reply> }
    | { on: 'object'; run(call: ObjectCall): Promise<Reply> }
  );

type Run<C> = (call: C) => Promise<Reply>;

function bucket(method: string, query: string[], name: string, run: Run<BucketCall>): Operation {
  return { on: 'bucket', method, query, name, run };
}

function object(
  method: string,
  query: string[],
  name: string,
  run: Run<ObjectCall>,
  more: Pick<Selector, 'header' | 'optionalQuery'> = {},
): Operation {
  return { on: 'object', method, query, name, run, ...more };
}

const copySource = { header: 'x-amz-copy-source' };

export const operations: readonly Operation[] = [
  { on: 'service', method: 'GET', query: [], name: 'ListBuckets', run: listBuckets },
  { on: 'new bucket', method: 'PUT', query: [], name: 'CreateBucket', run: createBucket },
  bucket('HEAD', [], 'HeadBucket', headBucket),
  bucket('DELETE', [], 'DeleteBucket', deleteBucket),
  bucket('GET', [], 'ListObjects', listObjects),
  bucket('GET', ['list-type'], 'ListObjectsV2', listObjectsV2),
  bucket('GET', ['versions'], 'ListObjectVersions', listObjectVersions),
  bucket('GET', ['location'], 'GetBucketLocation', getBucketLocation),
  bucket('GET', ['acl'], 'GetBucketAcl', getBucketAcl),
  bucket('PUT', ['acl'], 'PutBucketAcl', putBucketAcl),
  bucket('GET', ['cors'], 'GetBucketCors', getBucketCors),
  bucket('PUT', ['cors'], 'PutBucketCors', putBucketCors),
  bucket('DELETE', ['cors'], 'DeleteBucketCors', deleteBucketCors),
  bucket('GET', ['tagging'], 'GetBucketTagging', getBucketTagging),
  bucket('PUT', ['tagging'], 'PutBucketTagging', putBucketTagging),
  bucket('DELETE', ['tagging'], 'DeleteBucketTagging', deleteBucketTagging),
  bucket('POST', ['delete'], 'DeleteObjects', deleteObjects),
  bucket('GET', ['uploads'], 'ListMultipartUploads', listMultipartUploads),
  ...Object.entries(defaultSettings).flatMap(([setting, { deletable }]) => [
    bucket('GET', [setting], `Get ${setting}`, getDefaultSetting(setting)),
    ...(deletable ? [bucket('DELETE', [setting], `Delete ${setting}`, deleteSetting(setting))] : []),
  ]),
  object('GET', [], 'GetObject', getObject, { optionalQuery: ['partNumber'] }),
  object('HEAD', [], 'HeadObject', headObject, { optionalQuery: ['partNumber'] }),
  object('PUT', [], 'PutObject', putObject),
  object('PUT', [], 'CopyObject', copyObject, copySource),
  object('DELETE', [], 'DeleteObject', deleteObject),
  object('GET', ['attributes'], 'GetObjectAttributes', getObjectAttributes),
  object('GET', ['tagging'], 'GetObjectTagging', getObjectTagging),
  object('PUT', ['tagging'], 'PutObjectTagging', putObjectTagging),
  object('DELETE', ['tagging'], 'DeleteObjectTagging', deleteObjectTagging),
  object('GET', ['acl'], 'GetObjectAcl', getObjectAcl),
  object('PUT', ['acl'], 'PutObjectAcl', putObjectAcl),
  object('POST', ['uploads'], 'CreateMultipartUpload', createMultipartUpload),
  object('PUT', ['partNumber', 'uploadId'], 'UploadPart', uploadPart),
  object('PUT', ['partNumber', 'uploadId'], 'UploadPartCopy', uploadPartCopy, copySource),
  object('GET', ['uploadId'], 'ListParts', listParts),
  object('POST', ['uploadId'], 'CompleteMultipartUpload', completeMultipartUpload),
  object('DELETE', ['uploadId'], 'AbortMultipartUpload', abortMultipartUpload),
];

/** All sub-resources of S3. A request with a sub-resource that no operation has is refused. */
export const knownSubresources: Readonly<Record<'bucket' | 'object', ReadonlySet<string>>> = {
  bucket: new Set([
    ...Object.keys(defaultSettings),
    ...['abac', 'acl', 'analytics', 'cors', 'delete', 'intelligent-tiering', 'inventory', 'location'],
    ...['metadataConfiguration', 'metadataInventoryTable', 'metadataJournalTable', 'metadataTable', 'metrics'],
    ...['session', 'tagging', 'uploads', 'versions'],
  ]),
  object: new Set([
    ...['acl', 'attributes', 'append', 'encryption', 'legal-hold', 'partNumber', 'renameObject', 'restore'],
    ...['retention', 'select', 'tagging', 'torrent', 'uploadId', 'uploads'],
  ]),
};

/** @throws StoreError MethodNotAllowed, NotImplemented */
export function findOperation({ method, query, headers, target }: Call): Operation {
  const on = target.bucket === undefined ? 'service' : target.key === undefined ? 'bucket' : 'object';
  const candidates = operations.filter(
    (operation) =>
      operation.method === method &&
      (operation.on === on || (on === 'bucket' && operation.on === 'new bucket')) &&
      operation.query.every((name) => query.has(name)) &&
      (operation.header === undefined || headers.has(operation.header)),
  );
  // The request means the operation that names the most of its query parameters and headers.
  const found = candidates.sort((a, b) => specificity(b) - specificity(a))[0];
  const words = on === 'service' ? [] : [...query.keys()].filter((name) => knownSubresources[on].has(name));
  const unknown = words.find((name) => !found?.query.includes(name) && !found?.optionalQuery?.includes(name));
  if (found && unknown === undefined) return found;
  throw unsupportedRequest(method, on, unknown);
}

function specificity({ query, header }: Operation): number {
  return query.length * 2 + (header === undefined ? 0 : 1);
}

function unsupportedRequest(
  method: string,
  on: 'service' | 'bucket' | 'object',
  subresource: string | undefined,
): StoreError {
  const isKnown =
    subresource === undefined ||
    operations.some((operation) => operation.on === on && operation.query.includes(subresource));
  const settable = subresource !== undefined && Object.hasOwn(defaultSettings, subresource) && method === 'PUT';
  if (isKnown && !settable)
    return new StoreError('MethodNotAllowed', {
      details: { Method: method, ResourceType: (subresource ?? on).toUpperCase() },
      headers: { allow: allowedMethods(on, subresource).join(', ') },
    });
  return new StoreError('NotImplemented', {
    message: 'A query parameter you provided implies functionality that is not implemented',
    details: { ResourceType: subresource ?? on },
  });
}

function allowedMethods(on: 'service' | 'bucket' | 'object', subresource: string | undefined): string[] {
  const level = operations.filter(
    (operation) => operation.on === on || (on === 'bucket' && operation.on === 'new bucket'),
  );
  const methods = level
    .filter(({ query }) => (subresource === undefined ? query.length === 0 : query.includes(subresource)))
    .map(({ method }) => method);
  return [...new Set(methods)];
}
