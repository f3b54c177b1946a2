/** Signs the requests with which a client sends the parts of an upload. */
import {
  isContentTypeAllowed,
  type PartDeclaration,
  partBytes,
  type SignedPart,
  type SignPartsRequest,
  s3PartLimits,
} from '../../protocol/index.ts';
import type { Config, ResolvedRoute } from '../config.ts';
import { damagedParts, uploadExpired } from '../shared/errors.ts';
import type { Failure } from '../shared/failure.ts';
import { stagingKeyOf } from '../shared/staging-key.ts';
import type { Claims, MultipartClaims, OpenedGrant } from '../state/claims.ts';
import { findBrokenLimit } from './limits.ts';

type ClaimsInParts = Claims & { partSize: number };

/** @throws {WaybillError} `upload_expired` | `part_invalid` when the upload has no parts */
export async function signParts(
  config: Config,
  opened: OpenedGrant,
  { parts, expiresInSeconds: requestedSeconds = config.expiresInSeconds }: SignPartsRequest,
): Promise<(SignedPart | Failure)[]> {
  const { storage, now, ledger, expiresInSeconds, maxExpiresInSeconds } = config;
  const signedSeconds = Math.min(requestedSeconds, maxExpiresInSeconds);
  const { claims, multipart } = requireParts(opened);
  const route = config.routes.get(claims.route) as ResolvedRoute;
  requireAllowed(route, claims);
  const nowMs = now();
  if (nowMs >= multipart.expiresAt * 1000) throw uploadExpired('The grant has expired. List the parts to renew it.');
  const waiting = storage.ready();
  if (waiting) await waiting;
  // A client that sends in the background may not call again before its requests expire, so the sweep must wait.
  if (signedSeconds > expiresInSeconds) await ledger?.renewGrant(claims.uploadId, signedSeconds * 1000);
  const key = stagingKeyOf(config, claims.uploadId);
  let lastExpiresAt = '';
  let leftSeconds = 0;
  return parts.map((part) => {
    const problem = findBrokenPartRule(route, claims, storage, part);
    if (problem)
      return {
        failure: damagedParts(`Part ${part.partNumber} ${problem}.`, { partNumber: part.partNumber }),
      };
    const { partNumber, size, checksum, host = 0 } = part;
    const request = storage.presignPart({
      key,
      multipartId: multipart.multipartId,
      partNumber,
      size,
      checksum,
      expiresInSeconds: signedSeconds,
      host,
    });
    if (request.expiresAt !== lastExpiresAt) {
      lastExpiresAt = request.expiresAt;
      // A URL expires no later than the credentials that signed it.
      leftSeconds = Math.min(signedSeconds, Math.max(0, Math.floor((Date.parse(lastExpiresAt) - nowMs) / 1000)));
    }
    return { partNumber, request, expiresInSeconds: leftSeconds };
  });
}

export function requireParts({ claims, multipart }: OpenedGrant): {
  claims: ClaimsInParts;
  multipart: MultipartClaims;
} {
  if (!multipart || claims.partSize === null)
    throw damagedParts('This upload is sent in one request and has no parts.');
  return { claims: claims as ClaimsInParts, multipart };
}

/**
 * Checks the limits again, because they may be stricter now than when the upload was granted.
 *
 * @throws {WaybillError} the error that a new grant would have
 */
export function requireAllowed(route: ResolvedRoute, claims: ClaimsInParts): void {
  const { contentType, guessed } = claims;
  // Where the file name does not tell the type, the completion checks the content.
  const isTypeAllowed = guessed === 'by-content' || isContentTypeAllowed(route.limits.contentTypes, contentType);
  const brokenLimit = findBrokenLimit(route, claims, isTypeAllowed);
  if (brokenLimit) throw brokenLimit;
}

/** Returns the rule that this part breaks, or null. Only a part that breaks no rule is signed (attack C8). */
function findBrokenPartRule(
  route: ResolvedRoute,
  { size: total, partSize }: ClaimsInParts,
  { capabilities, publicOrigins }: Config['storage'],
  { partNumber, size, checksum, host = 0 }: PartDeclaration,
): string | null {
  if (partNumber > s3PartLimits.maxParts) return `is above ${s3PartLimits.maxParts}, the most parts of an upload`;
  if (total === null) {
    const { minBytes, maxBytes } = route.limits;
    const minSize = partNumber === 1 && minBytes === 0 ? 0 : 1;
    if (size < minSize || size > partSize) return `of a stream has ${minSize} to ${partSize} bytes`;
    if ((partNumber - 1) * partSize + size > maxBytes) return `goes beyond the ${maxBytes} bytes that are allowed`;
  } else {
    const planned = partBytes(total, partSize, partNumber);
    if (planned === 0) return 'is not in the plan';
    if (size !== planned) return `has ${planned} bytes in the plan`;
  }
  if (host >= publicOrigins.length) return `names a host that is not below ${publicOrigins.length}`;
  if (route.checksum !== null && checksum?.algorithm !== route.checksum) return `needs its ${route.checksum} checksum`;
  // Besides Content-MD5, S3 accepts only a checksum of the algorithm that the multipart upload was created with.
  if (route.checksum === null && checksum && !(checksum.algorithm === 'md5' && capabilities.contentMd5))
    return 'needs no checksum here: leave it out';
  return null;
}
