/** GetObject and HeadObject. */
import { noSuchKey, type ObjectCall, quoteEtag, type Reply } from './call.ts';
import { checksumHeaderName, checksumHeaders } from './checksums.ts';
import { checkReadConditions, etagMatches, preconditionFailed, readConditions } from './conditions.ts';
import { invalidArgument, invalidRequest, StoreError } from './errors.ts';
import { fromBytes } from './keys.ts';
import { encryptionHeader, metadataHeaders } from './object-headers.ts';
import { type ByteRange, contentRange, parseRange } from './ranges.ts';
import type { ObjectRecord } from './record.ts';

export async function getObject(call: ObjectCall): Promise<Reply> {
  checkVersion(call);
  const object = await call.bucket.open(call.key);
  if (!object) throw noSuchKey(call.key);
  try {
    const { record } = object;
    const response = describeResponse(call, record);
    const { range } = response;
    if (response.status === 304) {
      await object.close();
      return response;
    }
    const { start, length } = range ?? { start: 0, length: record.size };
    return {
      status: response.status,
      headers: response.headers,
      body: { size: length, read: () => object.read(start, length), close: () => object.close() },
    };
  } catch (error) {
    await object.close();
    throw error;
  }
}

export async function headObject(call: ObjectCall): Promise<Reply> {
  checkVersion(call);
  const record = await call.bucket.head(call.key);
  if (!record) throw noSuchKey(call.key);
  const { status, headers, range } = describeResponse(call, record);
  const size = status === 304 ? {} : { 'content-length': String(range?.length ?? record.size) };
  return { status, headers: { ...headers, ...size } };
}

/** Objects are not versioned, so each has one version, which S3 calls `null`. */
export function checkVersion({ query }: Pick<ObjectCall, 'query'>): void {
  const version = query.get('versionId');
  if (version === undefined || version === 'null') return;
  if (version === '') throw invalidArgument('Version id cannot be the empty string', 'versionId', '');
  throw invalidArgument('Invalid version id specified', 'versionId', version);
}

interface ObjectResponse {
  status: number;
  headers: Record<string, string | undefined>;
  range: ByteRange | undefined;
}

function describeResponse(call: ObjectCall, record: ObjectRecord): ObjectResponse {
  const { headers: request, query } = call;
  const failedCondition = checkReadConditions(request, record, readConditions, call.store.now());
  if (failedCondition?.status === 412) throw preconditionFailed(failedCondition.condition);
  if (failedCondition) return { status: 304, headers: validatorHeaders(record), range: undefined };

  const part = partRange(query.get('partNumber'), request.get('range'), record);
  const rangeHeader = ifRangeMatches(request.get('if-range'), record) ? request.get('range') : undefined;
  const range = part ?? parseRange(rangeHeader, record.size);
  const wantsChecksum = request.get('x-amz-checksum-mode')?.toUpperCase() === 'ENABLED';
  const partial = range !== undefined && record.size > 0;
  return {
    status: partial || (part && record.size > 0) ? 206 : 200,
    range: partial ? range : undefined,
    headers: {
      ...validatorHeaders(record),
      'accept-ranges': 'bytes',
      ...encryptionHeader,
      ...record.headers,
      ...metadataHeaders(record.metadata),
      ...readOverrides(query),
      ...(partial ? { 'content-range': contentRange(range, record.size) } : {}),
      'x-amz-storage-class': record.storageClass === 'STANDARD' ? undefined : record.storageClass,
      'x-amz-tagging-count': record.tags.length > 0 ? String(record.tags.length) : undefined,
      'x-amz-mp-parts-count': part && record.parts ? String(record.parts.length) : undefined,
      ...(wantsChecksum ? checksumHeadersFor(record, range, query.get('partNumber')) : {}),
    },
  };
}

/** The checksum of an object is sent with the whole object only, and the checksum of a part with that part. */
function checksumHeadersFor(
  record: ObjectRecord,
  range: ByteRange | undefined,
  partNumber: string | undefined,
): Record<string, string> {
  const { checksum, parts } = record;
  if (!checksum) return {};
  if (partNumber !== undefined && parts) {
    const part = parts[Number(partNumber) - 1];
    if (!part?.checksum) return {};
    return { [checksumHeaderName(checksum.algorithm)]: part.checksum, 'x-amz-checksum-type': checksum.type };
  }
  return range === undefined || range.length === record.size ? checksumHeaders(checksum) : {};
}

function validatorHeaders(record: ObjectRecord): Record<string, string> {
  return { etag: quoteEtag(record.etag), 'last-modified': new Date(record.modified).toUTCString() };
}

/** RFC 9110 section 13.1.5: the range applies only if the client has received bytes of this same object before. */
function ifRangeMatches(ifRange: string | undefined, record: ObjectRecord): boolean {
  if (ifRange === undefined) return true;
  const date = Date.parse(ifRange);
  return ifRange.includes('"') || Number.isNaN(date) ? etagMatches(ifRange, record.etag) : record.modified <= date;
}

function partRange(
  partNumber: string | undefined,
  range: string | undefined,
  record: ObjectRecord,
): ByteRange | undefined {
  if (partNumber === undefined) return undefined;
  if (range !== undefined) throw invalidRequest('Cannot specify both Range header and partNumber query parameter');
  const number = /^\d{1,6}$/.test(partNumber) ? Number(partNumber) : 0;
  if (number < 1 || number > 10_000)
    throw invalidArgument('Part number must be an integer between 1 and 10000, inclusive', 'partNumber', partNumber);
  const sizes = record.parts ?? [{ partNumber: 1, size: record.size }];
  let start = 0;
  // Parts are counted by their position in the object, not by the part numbers of the upload.
  for (const [index, { size }] of sizes.entries()) {
    if (index + 1 === number) return { start, length: size };
    start += size;
  }
  throw new StoreError('InvalidPartNumber', {
    details: { ActualPartCount: String(sizes.length), PartNumberRequested: partNumber },
  });
}

const overridable = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
] as const;

/** `response-content-type=...` and so on. S3 allows them in signed requests only, and every request here is signed. */
function readOverrides(query: ReadonlyMap<string, string>): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of overridable) {
    const parameter = `response-${name}`;
    const bytes = query.get(parameter);
    if (bytes === undefined) continue;
    const value = fromBytes(bytes);
    if (!/^[\t\x20-\x7e\xa0-\xff]*$/.test(value))
      throw invalidArgument('Header value cannot be represented using ISO-8859-1.', parameter, value);
    if (value !== '') found[name] = value;
  }
  return found;
}
