import { timingSafeEqual } from 'node:crypto';
import type { ChecksumAlgorithm } from '../../protocol/index.ts';
import type { TakeRandom } from '../shared/random-pool.ts';
import type { Claims, MultipartClaims, OpenedGrant } from '../state/claims.ts';
import { defaultKey } from './keys.ts';
import { createSealer } from './seal.ts';

export interface Grants {
  issue(claims: Claims): { grant: string; receipt: string };
  /** The grant of a multipart upload: `grant.<sealed multipart claims>`. Earlier multipart claims are replaced. */
  withMultipart(grant: string, uploadId: string, multipart: MultipartClaims): string;
  /** Returns null unless the text is a grant of this deployment. */
  openGrant(grant: string): OpenedGrant | null;
  openReceipt(receipt: string): OpenedGrant | null;
}

/**
 * A receipt is stored as user metadata, of which S3 allows 2 KB.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
 */
export const maxReceiptBytes = 1900;

const proofBytes = 16;
const proofLength = 22;

/**
 * The receipt is the sealed claims, and the grant is `receipt.proof`. The proof is random and is also among the sealed
 * claims. So a person who can read a staged object, and with it the receipt, cannot construct the grant. Sealing the
 * grant separately would have the same effect, but would double the time that a grant takes.
 */
export function createGrants(options: {
  secrets: readonly string[];
  random: TakeRandom;
  /** The deployment. Another one with the same secret does not open what is sealed here. */
  audience: string;
}): Grants {
  const { secrets, random, audience } = options;
  const sealer = createSealer({ secrets, label: `upload ${audience}`, random });
  // Another label gives another key: neither sealer opens what the other has sealed.
  const extras = createSealer({ secrets, label: `multipart ${audience}`, random });

  const openCachedReceipt = cacheOpened(sealer.open);
  const openCachedExtra = cacheOpened(extras.open);

  function open(receipt: string, openText = sealer.open): { claims: Claims; proof: string } | null {
    if (receipt.length > maxReceiptBytes) return null;
    const text = openText(receipt);
    return text === null ? null : decode(text);
  }

  return {
    issue(claims) {
      const proof = options.random(proofBytes).toString('base64url');
      const receipt = sealer.seal(encode(claims, proof));
      return { receipt, grant: `${receipt}.${proof}` };
    },
    withMultipart(grant, uploadId, { multipartId, expiresAt }) {
      const extra: EncodedMultipart = [uploadId, multipartId, expiresAt];
      return `${splitGrant(grant).single}.${extras.seal(JSON.stringify(extra))}`;
    },
    openGrant(grant) {
      const { single, extra } = splitGrant(grant);
      const dot = single.length - proofLength - 1;
      if (dot < 1 || single[dot] !== '.') return null;
      const receipt = single.slice(0, dot);
      const opened = extra === null ? open(receipt) : open(receipt, openCachedReceipt);
      if (!opened || !equal(opened.proof, single.slice(dot + 1))) return null;
      const { claims } = opened;
      if (claims.partSize === null) return extra === null ? { claims, receipt, multipart: null } : null;
      const text = extra === null ? null : openCachedExtra(extra);
      if (text === null) return null;
      const [uploadId, multipartId, expiresAt] = JSON.parse(text) as EncodedMultipart;
      // The two halves are valid, but of different uploads.
      if (uploadId !== claims.uploadId) return null;
      return { claims, receipt, multipart: { multipartId, expiresAt } };
    },
    openReceipt(receipt) {
      const opened = open(receipt);
      return opened && { claims: opened.claims, receipt };
    },
  };
}

const maxCachedTexts = 256;

/**
 * Caches the texts that were opened, because the client of a large upload sends its grant up to a thousand times. The
 * claims are not cached, because callbacks get them and may change them.
 */
function cacheOpened(open: (sealed: string) => string | null): (sealed: string) => string | null {
  const known = new Map<string, string>();
  return (sealed) => {
    const before = known.get(sealed);
    if (before !== undefined) return before;
    const text = open(sealed);
    if (text === null) return null;
    if (known.size >= maxCachedTexts) known.delete(known.keys().next().value as string);
    known.set(sealed, text);
    return text;
  };
}

type EncodedMultipart = [uploadId: string, multipartId: string, expiresAt: number];

/** Splits `receipt.proof`, or `receipt.proof.extra` of a multipart upload. Base64url contains no dots. */
function splitGrant(grant: string): { single: string; extra: string | null } {
  const second = grant.indexOf('.', grant.indexOf('.') + 1);
  return second === -1
    ? { single: grant, extra: null }
    : { single: grant.slice(0, second), extra: grant.slice(second + 1) };
}

function equal(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}

/** The claims as a short array, with 0 for a default key, because each byte of the result is sent three times. */
type Encoded = [
  uploadId: string,
  route: string,
  ownerId: string,
  key: string | 0,
  fileName: string,
  size: number | [size: number | null, partSize: number],
  contentType: string,
  algorithm: ChecksumAlgorithm | 0,
  checksum: string | 0,
  expiresAt: number,
  proof: string,
  metadata?: unknown,
  flags?: number,
];

/** Bits for facts that are rarely true. */
const flag = { metadataInLedger: 1, shared: 2, byExtension: 4, byContent: 8 };

function encode(claims: Claims, proof: string): string {
  const { checksum, metadata } = claims;
  const encoded: Encoded = [
    claims.uploadId,
    claims.route,
    claims.ownerId,
    claims.key === defaultKey(claims) ? 0 : claims.key,
    claims.fileName,
    claims.partSize === null ? (claims.size as number) : [claims.size, claims.partSize],
    claims.contentType,
    checksum ? checksum.algorithm : 0,
    checksum ? checksum.value : 0,
    claims.expiresAt,
    proof,
  ];
  const flags =
    (claims.metadataInLedger ? flag.metadataInLedger : 0) +
    (claims.shared ? flag.shared : 0) +
    (claims.guessed === 'by-extension' ? flag.byExtension : 0) +
    (claims.guessed === 'by-content' ? flag.byContent : 0);
  if (flags !== 0) encoded.push(claims.metadataInLedger ? null : metadata, flags);
  else if (metadata !== undefined) encoded.push(metadata);
  return JSON.stringify(encoded);
}

function decode(text: string): { claims: Claims; proof: string } {
  // The text is authenticated, so its shape is known. Another shape would have another version byte.
  const encoded = JSON.parse(text) as Encoded;
  const [uploadId, route, ownerId, key, fileName, size, contentType, algorithm, value, expiresAt, proof] = encoded;
  const claims: Claims = {
    uploadId,
    route,
    ownerId,
    key: '',
    fileName,
    size: Array.isArray(size) ? size[0] : size,
    partSize: Array.isArray(size) ? size[1] : null,
    contentType,
    checksum: algorithm && value ? { algorithm, value } : null,
    expiresAt,
    metadata: encoded[11],
  };
  claims.key = key || defaultKey(claims);
  const flags = encoded[12] ?? 0;
  if (flags & flag.metadataInLedger) claims.metadataInLedger = true;
  if (flags & flag.shared) claims.shared = true;
  if (flags & flag.byExtension) claims.guessed = 'by-extension';
  if (flags & flag.byContent) claims.guessed = 'by-content';
  return { claims, proof };
}
