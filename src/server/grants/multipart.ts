/**
 * The operations of an upload in parts before its completion: begin it, sign requests for its parts, list the parts
 * that have arrived. The server keeps no state between calls: the grant and the route determine what a part may be.
 */
import {
  type ArrivedPart,
  isContentTypeAllowed,
  type ListPartsResponse,
  type MultipartGrant,
  type PartDeclaration,
  partBytes,
  type SignedPart,
  type SignPartsRequest,
  s3PartLimits,
} from '../../protocol/index.ts';
import type { PartInfo } from '../../s3/index.ts';
import type { Config, ResolvedRoute } from '../config.ts';
import { beingCompleted, damagedParts, uploadEnded, uploadExpired } from '../shared/errors.ts';
import type { Failure } from '../shared/failure.ts';
import { md5OfEtag } from '../shared/md5-of-etag.ts';
import { stagingKeyOf } from '../shared/staging-key.ts';
import type { Claims, MultipartClaims, OpenedGrant } from '../state/claims.ts';
import type { UploadStates } from '../state/upload-states.ts';
import type { Grants } from './grants.ts';
import { findBrokenLimit } from './limits.ts';

export interface Multiparts {
  /** @param begunId the `multipartId` of an upload that has begun already and only needs a new grant */
  begin(
    route: ResolvedRoute,
    claims: Claims,
    sealed: { grant: string; receipt: string },
    begunId: string | null,
  ): Promise<MultipartGrant>;
  /** @throws {WaybillError} `upload_expired` | `part_invalid` when the upload has no parts */
  sign(opened: OpenedGrant, request: SignPartsRequest): Promise<(SignedPart | Failure)[]>;
  /**
   * @throws {WaybillError} `upload_conflict` when the upload is being completed or has ended, `upload_expired` when the
   * storage has dropped its parts
   */
  list(opened: OpenedGrant, grant: string): Promise<ListPartsResponse>;
}

interface MultipartContext {
  config: Config;
  grants: Pick<Grants, 'withMultipart'>;
}

type ClaimsInParts = Claims & { partSize: number };

export function createMultiparts(
  { config, grants }: MultipartContext,
  states: Pick<UploadStates, 'read' | 'saveReceipt'>,
): Multiparts {
  const { storage, now, expiresInSeconds, maxExpiresInSeconds, ledger } = config;

  function renew(grant: string, uploadId: string, multipartId: string): string {
    const expiresAt = Math.floor(now() / 1000) + expiresInSeconds;
    return grants.withMultipart(grant, uploadId, { multipartId, expiresAt });
  }

  async function create(route: ResolvedRoute, { uploadId, contentType }: Claims, receipt: string): Promise<string> {
    await states.saveReceipt(uploadId, receipt);
    const { multipartId } = await storage.createMultipart({
      key: stagingKeyOf(config, uploadId),
      contentType,
      metadata: { waybill: receipt },
      checksumAlgorithm: route.checksum ?? undefined,
    });
    if (ledger && !(await ledger.recordMultipart(uploadId, multipartId))) {
      await storage.abortMultipart(stagingKeyOf(config, uploadId), multipartId);
      throw uploadEnded('aborted');
    }
    return multipartId;
  }

  return {
    async begin(route, claims, { grant, receipt }, begunId) {
      const { uploadId, size, contentType } = claims;
      const partSize = claims.partSize as number;
      const multipartId = begunId ?? (await create(route, claims, receipt));
      return {
        uploadId,
        grant: renew(grant, uploadId, multipartId),
        transfer: 'multipart',
        contentType,
        partSize,
        partCount: countParts(size, partSize),
        expiresInSeconds,
      };
    },

    async sign(opened, { parts, expiresInSeconds: requestedSeconds = expiresInSeconds }) {
      const signedSeconds = Math.min(requestedSeconds, maxExpiresInSeconds);
      const { claims, multipart } = requireParts(opened);
      const route = config.routes.get(claims.route) as ResolvedRoute;
      requireAllowed(route, claims);
      const nowMs = now();
      if (nowMs >= multipart.expiresAt * 1000)
        throw uploadExpired('The grant has expired. List the parts to renew it.');
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
    },

    async list(opened, grant) {
      const { claims, multipart } = requireParts(opened);
      const { uploadId, size, partSize } = claims;
      requireAllowed(config.routes.get(claims.route) as ResolvedRoute, claims);
      const key = stagingKeyOf(config, uploadId);
      const [listed, recorded] = await Promise.all([
        storage.listParts(key, multipart.multipartId),
        states.read(uploadId),
      ]);
      if (recorded) {
        const { state } = recorded.current;
        if (state !== 'expired') throw state === 'completing' ? beingCompleted() : uploadEnded(state);
      }
      if (!listed || recorded) throw uploadExpired('The storage has dropped the parts of this upload.');
      await ledger?.renewGrant(uploadId, expiresInSeconds * 1000);
      return {
        uploadId,
        grant: renew(grant, uploadId, multipart.multipartId),
        expiresInSeconds,
        partSize,
        partCount: countParts(size, partSize),
        parts: listed.map(toArrivedPart).sort((a, b) => a.partNumber - b.partNumber),
      };
    },
  };
}

function requireParts({ claims, multipart }: OpenedGrant): { claims: ClaimsInParts; multipart: MultipartClaims } {
  if (!multipart || claims.partSize === null)
    throw damagedParts('This upload is sent in one request and has no parts.');
  return { claims: claims as ClaimsInParts, multipart };
}

/**
 * Checks the limits again, because they may be stricter now than when the upload was granted.
 *
 * @throws {WaybillError} the error that a new grant would have
 */
function requireAllowed(route: ResolvedRoute, claims: ClaimsInParts): void {
  const { contentType, guessed } = claims;
  // Where the file name does not tell the type, the completion checks the content.
  const isTypeAllowed = guessed === 'by-content' || isContentTypeAllowed(route.limits.contentTypes, contentType);
  const brokenLimit = findBrokenLimit(route, claims, isTypeAllowed);
  if (brokenLimit) throw brokenLimit;
}

export function countParts(size: number | null, partSize: number): number | null {
  return size === null ? null : Math.max(1, Math.ceil(size / partSize));
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

function toArrivedPart({ partNumber, size, etag, checksums }: PartInfo): ArrivedPart {
  if (checksums.sha256) return { partNumber, size, checksum: { algorithm: 'sha256', value: checksums.sha256 } };
  const md5 = md5OfEtag(etag);
  return { partNumber, size, checksum: md5 === undefined ? null : { algorithm: 'md5', value: md5.toString('base64') } };
}
