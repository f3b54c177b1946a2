/** The requests of clients as valibot schemas. They check the shape only; limits and the route check the values. */
import * as v from 'valibot';
import {
  type CompleteRequest,
  type GrantRequest,
  type GrantsRequest,
  isContentType,
  isPlaceholderType,
  type ListPartsRequest,
  type RenameRequest,
  type SignPartsRequest,
} from '../../protocol/index.ts';
import { invalid, maxIssues, missingFieldMessage, tooManyFiles } from '../shared/errors.ts';
import { findBrokenJsonRule, findBrokenWireTextRule, jsonBytes, maxMetadataBytes } from '../shared/json-value.ts';

const maxFiles = 1000;
const maxGrants = 100;
const maxParts = 1000;
const maxTransfers = 8;
const maxExpiresInSeconds = 604_800;
const maxCommonMetadataBytes = 1024 * 1024;

const fileName = v.pipe(
  v.string(),
  v.check((text) => text !== '' && Buffer.byteLength(text) <= 255, 'must have 1 to 255 bytes'),
  v.rawCheck(({ dataset, addIssue }) => {
    const rule = dataset.typed ? findBrokenWireTextRule(dataset.value) : null;
    if (rule) addIssue({ message: rule });
  }),
);

/** JSON that the schema of the route and `authorize` get. */
const metadata = v.pipe(
  v.unknown(),
  v.rawCheck(({ dataset, addIssue }) => {
    const rule = findBrokenJsonRule(dataset.value) ?? (isTooLong(dataset.value) ? tooLong : null);
    if (rule) addIssue({ message: rule });
  }),
);

const tooLong = `must have at most ${maxMetadataBytes} bytes as JSON`;

function isTooLong(value: unknown): boolean {
  return typeof value === 'object' && value !== null
    ? jsonBytes(value) > maxMetadataBytes
    : typeof value === 'string' && Buffer.byteLength(value) > maxMetadataBytes;
}

/** Printable ASCII, so that every database compares it in the same way. */
const idempotencyKey = v.pipe(v.string(), v.regex(/^[!-~]{1,64}$/, 'must have 1 to 64 visible ASCII characters'));

/** Each digest in canonical base64: the unused bits of the last character are zero (RFC 4648 section 3.5). */
const digests: Readonly<Record<string, RegExp>> = {
  sha256: /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/,
  sha1: /^[A-Za-z0-9+/]{26}[AEIMQUYcgkosw048]=$/,
  md5: /^[A-Za-z0-9+/]{21}[AQgw]==$/,
  crc64nvme: /^[A-Za-z0-9+/]{10}[AEIMQUYcgkosw048]=$/,
  crc32: /^[A-Za-z0-9+/]{5}[AQgw]==$/,
  crc32c: /^[A-Za-z0-9+/]{5}[AQgw]==$/,
};

const checksum = v.pipe(
  v.object({ algorithm: v.picklist(['sha256', 'sha1', 'crc32', 'crc32c', 'crc64nvme', 'md5']), value: v.string() }),
  v.check(({ algorithm, value }) => digests[algorithm]?.test(value) ?? false, "must be the digest's bytes in base64"),
);

/**
 * An array whose length is checked before its items: each wrong item is an issue, and a body can contain a hundred
 * thousand. Every array in a request is made by this function.
 */
function list<Item extends v.GenericSchema>(item: Item, max: number, name: string) {
  return v.pipe(
    v.custom<unknown[]>(
      (items) => Array.isArray(items) && items.length >= 1 && items.length <= max,
      `must be a list of 1 to ${max} ${name}`,
    ),
    v.array(item),
  );
}

const bytes = v.pipe(
  v.number(),
  v.check((size) => Number.isSafeInteger(size) && size >= 0, 'must be a whole number of bytes'),
);

const count = (max: number) =>
  v.pipe(
    v.number(),
    v.check((n) => Number.isSafeInteger(n) && n >= 1 && n <= max, `must be a whole number from 1 to ${max}`),
  );

const host = v.pipe(
  v.number(),
  v.check((n) => Number.isSafeInteger(n) && n >= 0, 'must be the position of a host, from 0'),
);

const file = v.object({
  fileName,
  size: v.nullable(bytes),
  contentType: v.optional(
    v.pipe(
      v.string(),
      v.check(
        (type) => isContentType(type) || isPlaceholderType(type),
        'must be a MIME type in lower case without parameters, such as image/png',
      ),
    ),
  ),
  checksum: v.optional(checksum),
  metadata: v.optional(metadata),
  partSize: v.optional(bytes),
  host: v.optional(host),
  idempotencyKey: v.optional(idempotencyKey),
});

const grantRequest = v.object({
  route: v.string(),
  files: list(file, maxFiles, 'files'),
  metadata: v.optional(metadata),
  transfers: v.optional(list(v.picklist(['put', 'form', 'multipart', 'none']), maxTransfers, 'transfers')),
});

const grantsRequest = v.object({
  grants: list(v.string(), maxGrants, 'grants'),
});

const completeRequest = v.object({
  grants: list(
    v.union([v.string(), v.object({ grant: v.string(), checksum: v.optional(checksum), size: v.optional(bytes) })]),
    maxGrants,
    'grants',
  ),
});

const part = v.object({
  partNumber: count(10_000),
  size: bytes,
  checksum: v.optional(checksum),
  host: v.optional(host),
});

const signPartsRequest = v.object({
  grant: v.string(),
  parts: list(part, maxParts, 'parts'),
  expiresInSeconds: v.optional(count(maxExpiresInSeconds)),
});

const listPartsRequest = v.object({ grant: v.string() });

const renameRequest = v.object({ fileName });

/** @internal For the test that every array has a maximum length. */
export const wireSchemas = {
  grantRequest,
  grantsRequest,
  completeRequest,
  signPartsRequest,
  listPartsRequest,
  renameRequest,
};

export function parseGrantRequest(body: unknown): GrantRequest {
  const files = (body as { files?: unknown } | null)?.files;
  if (Array.isArray(files) && files.length > maxFiles) throw tooManyFiles(files.length, maxFiles);
  const request = parse(grantRequest, body) as GrantRequest;
  // Common metadata is stored once for each file, so a small request could cause a large write.
  const shared = request.files.filter((file) => file.metadata === undefined).length;
  if (shared > 1 && jsonBytes(request.metadata) * shared > maxCommonMetadataBytes)
    throw invalid([
      {
        path: 'metadata',
        message: `must have at most ${maxCommonMetadataBytes} bytes as JSON, counted once for each file that uses it`,
      },
    ]);
  return request;
}

export function parseGrantsRequest(body: unknown): GrantsRequest {
  return parse(grantsRequest, body);
}

export function parseCompleteRequest(body: unknown): CompleteRequest {
  return parse(completeRequest, body) as CompleteRequest;
}

export function parseSignPartsRequest(body: unknown): SignPartsRequest {
  return parse(signPartsRequest, body) as SignPartsRequest;
}

export function parseListPartsRequest(body: unknown): ListPartsRequest {
  return parse(listPartsRequest, body);
}

export function parseRenameRequest(body: unknown): RenameRequest {
  return parse(renameRequest, body);
}

function parse<Output>(schema: v.BaseSchema<unknown, Output, v.BaseIssue<unknown>>, body: unknown): Output {
  const result = v.safeParse(schema, body, { abortPipeEarly: true });
  if (result.success) return result.output;
  throw invalid(
    result.issues.slice(0, maxIssues).map((issue) => ({ path: v.getDotPath(issue) ?? '', message: messageOf(issue) })),
  );
}

const plainTypes: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  Object: 'an object',
  '(number | null)': 'a number or null',
  '(string | Object)': 'a string or an object',
};

const ownMessages: ReadonlySet<string> = new Set(['check', 'raw_check', 'custom', 'regex']);

/** Valibot's messages quote the received value, which may be a grant. */
function messageOf(issue: v.BaseIssue<unknown>): string {
  if (ownMessages.has(issue.type)) return issue.message;
  // For a missing field `expected` is the quoted name of the field.
  if (issue.received === 'undefined') return missingFieldMessage;
  const expected = issue.expected ?? 'valid';
  return `must be ${Object.hasOwn(plainTypes, expected) ? plainTypes[expected] : expected.replaceAll(' | ', ' or ')}`;
}
