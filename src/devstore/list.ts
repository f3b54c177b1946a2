/** ListObjectsV2, ListObjects and ListObjectVersions. */
import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import { encodeComponent } from '../s3/internal.ts';
import type { BucketCall, Owner, Reply } from './call.ts';
import { quoteEtag, xmlReply } from './call.ts';
import { invalidArgument } from './errors.ts';
import { fromBytes } from './keys.ts';
import { type PageEntry, readPage } from './list-page.ts';
import { type XmlNode, xmlDocument } from './xml-write.ts';

/** The limit of S3 for one page. */
const maxEntries = 1000;

interface ListingRequest {
  prefix: string;
  delimiter: string;
  maxKeys: number;
  encode(bytes: string): string;
  /** The elements that every listing repeats from its request. */
  head: XmlNode;
}

function readListingRequest({ bucket, query }: BucketCall): ListingRequest {
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const encoding = readEncoding(query);
  const maxKeys = readCount(query, 'max-keys');
  const encode = createEncoder(encoding);
  return {
    prefix,
    delimiter,
    maxKeys,
    encode,
    head: {
      Name: bucket.info.name,
      Prefix: encode(prefix),
      Delimiter: delimiter === '' ? undefined : encode(delimiter),
      MaxKeys: maxKeys,
      EncodingType: encoding,
    },
  };
}

export function readEncoding(query: ReadonlyMap<string, string>): 'url' | undefined {
  const value = query.get('encoding-type');
  if (value === undefined || value.toLowerCase() === 'url') return value === undefined ? undefined : 'url';
  throw invalidArgument('Invalid Encoding Method specified in Request', 'encoding-type', value);
}

export function createEncoder(encoding: 'url' | undefined): (bytes: string) => string {
  if (encoding === undefined) return fromBytes;
  return (bytes) => fromBytes(bytes).split('/').map(encodeComponent).join('/');
}

/** @throws StoreError InvalidArgument */
export function readCount(query: ReadonlyMap<string, string>, name: string, limit = maxEntries): number {
  const text = query.get(name);
  if (text === undefined || text === '') return limit;
  if (!/^-?\d{1,19}$/.test(text))
    throw invalidArgument(`Provided ${name} not an integer or within integer range`, name, text);
  const count = Number(text);
  if (count > 2 ** 31 - 1) throw invalidArgument(`Provided ${name} not an integer or within integer range`, name, text);
  if (count < 0) throw invalidArgument('Argument max-keys must be an integer between 0 and 2147483647', name, text);
  return Math.min(count, limit);
}

/** Omits objects that were deleted after their keys were read. */
async function listContents(
  call: BucketCall,
  entries: readonly PageEntry[],
  encode: ListingRequest['encode'],
  owner?: Owner,
) {
  const found: XmlNode[] = [];
  for (const entry of entries) {
    if (!('key' in entry)) continue;
    const summary = await call.bucket.summary(entry.key);
    if (!summary) continue;
    found.push({
      Key: encode(entry.key),
      LastModified: new Date(summary.modified).toISOString(),
      ETag: quoteEtag(summary.etag),
      ...(summary.checksum
        ? { ChecksumAlgorithm: summary.checksum.algorithm, ChecksumType: summary.checksum.type }
        : {}),
      Size: summary.size,
      Owner: owner && ownerElement(owner),
      StorageClass: summary.storageClass,
    });
  }
  return found;
}

/** AWS has omitted the DisplayName of owners since 2025-11-21. */
export function ownerElement(owner: Owner): XmlNode {
  return { ID: owner.id };
}

function commonPrefixes(entries: readonly PageEntry[], encode: ListingRequest['encode']): XmlNode[] {
  return entries.flatMap((entry) => ('prefix' in entry ? [{ Prefix: encode(entry.prefix) }] : []));
}

function entryName(entry: PageEntry | undefined): string {
  if (!entry) return '';
  return 'key' in entry ? entry.key : entry.prefix;
}

export async function listObjectsV2(call: BucketCall): Promise<Reply> {
  const { bucket, query, store } = call;
  const request = readListingRequest(call);
  const { prefix, delimiter, maxKeys, encode } = request;
  const startAfter = query.get('start-after') ?? '';
  const token = query.get('continuation-token');
  const after = token === undefined ? startAfter : openToken(token, bucket.info.name);
  const page = readPage(bucket.keys, { prefix, delimiter, after, limit: maxKeys });
  const owner = query.get('fetch-owner') === 'true' ? store.ownerById(bucket.info.ownerId) : undefined;
  return xmlReply(
    xmlDocument('ListBucketResult', {
      ...request.head,
      KeyCount: page.entries.length,
      IsTruncated: page.truncated,
      ContinuationToken: token,
      NextContinuationToken: page.truncated ? sealToken(entryName(page.entries.at(-1)), bucket.info.name) : undefined,
      // With a token, `start-after` has no effect, and AWS does not repeat it.
      StartAfter: query.has('start-after') && token === undefined ? encode(startAfter) : undefined,
      Contents: await listContents(call, page.entries, encode, owner),
      CommonPrefixes: commonPrefixes(page.entries, encode),
    }),
  );
}

export async function listObjects(call: BucketCall): Promise<Reply> {
  const { bucket, query, store } = call;
  const request = readListingRequest(call);
  const { prefix, delimiter, maxKeys, encode } = request;
  const marker = query.get('marker') ?? '';
  const page = readPage(bucket.keys, { prefix, delimiter, after: marker, limit: maxKeys });
  // Without a delimiter the next marker is the last key, and S3 omits NextMarker.
  const next = page.truncated && delimiter !== '' ? encode(entryName(page.entries.at(-1))) : undefined;
  return xmlReply(
    xmlDocument('ListBucketResult', {
      ...request.head,
      Marker: encode(marker),
      NextMarker: next,
      IsTruncated: page.truncated,
      Contents: await listContents(call, page.entries, encode, store.ownerById(bucket.info.ownerId)),
      CommonPrefixes: commonPrefixes(page.entries, encode),
    }),
  );
}

/** Objects are not versioned: every object is the latest version, `null`. */
export async function listObjectVersions(call: BucketCall): Promise<Reply> {
  const { bucket, query, store } = call;
  const request = readListingRequest(call);
  const { prefix, delimiter, maxKeys, encode } = request;
  const keyMarker = query.get('key-marker') ?? '';
  const versionMarker = query.get('version-id-marker');
  if (versionMarker !== undefined && keyMarker === '')
    throw invalidArgument(
      'A version-id marker cannot be specified without a key marker.',
      'version-id-marker',
      versionMarker,
    );
  const page = readPage(bucket.keys, { prefix, delimiter, after: keyMarker, limit: maxKeys });
  const owner = store.ownerById(bucket.info.ownerId);
  const versions = (await listContents(call, page.entries, encode, owner)).map(({ Key, ...rest }) => ({
    Key,
    VersionId: 'null',
    IsLatest: true,
    ...rest,
  }));
  const last = page.entries.at(-1);
  return xmlReply(
    xmlDocument('ListVersionsResult', {
      ...request.head,
      KeyMarker: encode(keyMarker),
      VersionIdMarker: versionMarker ?? '',
      NextKeyMarker: page.truncated ? encode(entryName(last)) : undefined,
      NextVersionIdMarker: page.truncated && last && 'key' in last ? 'null' : undefined,
      IsTruncated: page.truncated,
      Version: versions,
      CommonPrefixes: commonPrefixes(page.entries, encode),
    }),
  );
}

/**
 * Tokens are encrypted so that clients cannot depend on their content. The content is not secret, because the key
 * follows from the name of the bucket.
 */
function tokenKey(bucket: string): Buffer {
  return createHash('sha256').update(`devstore listing of ${bucket}`).digest();
}

export function sealToken(after: string, bucket: string): string {
  const key = tokenKey(bucket);
  const nonce = createHash('sha256').update(after, 'latin1').digest().subarray(0, 12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const sealed = Buffer.concat([cipher.update(after, 'latin1'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url');
}

/** @throws StoreError InvalidArgument */
export function openToken(token: string, bucket: string): string {
  const bytes = Buffer.from(token, 'base64url');
  try {
    const decipher = createDecipheriv('aes-256-gcm', tokenKey(bucket), bytes.subarray(0, 12));
    decipher.setAuthTag(bytes.subarray(12, 28));
    return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('latin1');
  } catch {
    throw invalidArgument('The continuation token provided is incorrect', 'continuation-token');
  }
}
