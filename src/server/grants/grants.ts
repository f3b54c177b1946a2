import { timingSafeEqual } from 'node:crypto';
import type { ChecksumAlgorithm } from '../../protocol/index.ts';
import type { TakeRandom } from '../shared/random-pool.ts';
import type { Claims, MultipartClaims, OpenedGrant } from '../state/claims.ts';
import { defaultKey } from './keys.ts';
import { createSealer } from './seal.ts';

export interface Grants {
  issue(claims: Claims): { grant: string; receipt: string };
  /** The grant of a multipart upload: `grant.<sealed multipart claims>`. In place of the one it had, when it is renewed. */
  withMultipart(grant: string, uploadId: string, multipart: MultipartClaims): string;
  /** Null when it is not a grant of ours. */
  openGrant(grant: string): OpenedGrant | null;
  openReceipt(receipt: string): OpenedGrant | null;
}

/** A receipt travels as user metadata, of which S3 takes 2 KB in all. */
export const maxReceiptBytes = 1900;

const proofBytes = 16;
const proofLength = 22;

/**
 * The receipt is the sealed claims; the grant is the receipt and a proof, `receipt.proof`, where the proof is random
 * and also inside the seal. Whoever reads a staged object sees its receipt, and cannot make the grant of it; the
 * second seal that would also achieve this costs as much as everything else in a grant together.
 */
export function createGrants(options: {
  secrets: readonly string[];
  random: TakeRandom;
  /** The deployment that these are for: nothing sealed for one is opened by another with the same secret. */
  audience: string;
}): Grants {
  const { secrets, random, audience } = options;
  const sealer = createSealer({ secrets, label: `upload ${audience}`, random });
  // Another label: nothing sealed as the one is ever opened as the other.
  const extras = createSealer({ secrets, label: `multipart ${audience}`, random });

  const openReceiptAgain = remember(sealer.open);
  const openExtraAgain = remember(extras.open);

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
      const opened = extra === null ? open(receipt) : open(receipt, openReceiptAgain);
      if (!opened || !equal(opened.proof, single.slice(dot + 1))) return null;
      const { claims } = opened;
      if (claims.partSize === null) return extra === null ? { claims, receipt, multipart: null } : null;
      const text = extra === null ? null : openExtraAgain(extra);
      if (text === null) return null;
      const [uploadId, multipartId, expiresAt] = JSON.parse(text) as EncodedMultipart;
      // Each was ours alone; together they would be a grant that nobody gave.
      if (uploadId !== claims.uploadId) return null;
      return { claims, receipt, multipart: { multipartId, expiresAt } };
    },
    openReceipt(receipt) {
      const opened = open(receipt);
      return opened && { claims: opened.claims, receipt };
    },
  };
}

const mostRemembered = 256;

/**
 * A large upload hands its grant back a thousand times. The plaintext is kept and not what it says: that goes to
 * callbacks, which may change it.
 */
function remember(open: (sealed: string) => string | null): (sealed: string) => string | null {
  const known = new Map<string, string>();
  return (sealed) => {
    const before = known.get(sealed);
    if (before !== undefined) return before;
    const text = open(sealed);
    if (text === null) return null;
    if (known.size >= mostRemembered) known.delete(known.keys().next().value as string);
    known.set(sealed, text);
    return text;
  };
}

type EncodedMultipart = [uploadId: string, multipartId: string, expiresAt: number];

/** `receipt.proof` and, of a multipart upload, `.extra`; base64url has no dots. */
function splitGrant(grant: string): { single: string; extra: string | null } {
  const second = grant.indexOf('.', grant.indexOf('.') + 1);
  // Without any dot the search began at 0 and found none.
  return second === -1
    ? { single: grant, extra: null }
    : { single: grant.slice(0, second), extra: grant.slice(second + 1) };
}

function equal(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}

/** An array and not an object, and no key where it is the default one: every byte here is sent three times. */
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

/** What is rare. */
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
  // Authenticated, so its shape is ours; another shape would have another version byte.
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
