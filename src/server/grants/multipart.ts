/**
 * The operations of an upload in parts before its completion: begin it, sign requests for its parts, list the parts
 * that have arrived. The server keeps no state between calls: the grant and the route determine what a part may be.
 */
import type {
  ArrivedPart,
  ListPartsResponse,
  MultipartGrant,
  SignedPart,
  SignPartsRequest,
} from '../../protocol/index.ts';
import type { PartInfo } from '../../s3/index.ts';
import type { Config, ResolvedRoute } from '../config.ts';
import { beingCompleted, uploadEnded, uploadExpired } from '../shared/errors.ts';
import type { Failure } from '../shared/failure.ts';
import { md5OfEtag } from '../shared/md5-of-etag.ts';
import { stagingKeyOf } from '../shared/staging-key.ts';
import type { Claims, OpenedGrant } from '../state/claims.ts';
import type { UploadStates } from '../state/upload-states.ts';
import type { Grants } from './grants.ts';
import { requireAllowed, requireParts, signParts } from './sign-parts.ts';

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

export function createMultiparts(
  { config, grants }: MultipartContext,
  states: Pick<UploadStates, 'read' | 'saveReceipt'>,
): Multiparts {
  const { storage, now, expiresInSeconds, ledger } = config;

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

    sign: (opened, request) => signParts(config, opened, request),

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

export function countParts(size: number | null, partSize: number): number | null {
  return size === null ? null : Math.max(1, Math.ceil(size / partSize));
}

function toArrivedPart({ partNumber, size, etag, checksums }: PartInfo): ArrivedPart {
  if (checksums.sha256) return { partNumber, size, checksum: { algorithm: 'sha256', value: checksums.sha256 } };
  const md5 = md5OfEtag(etag);
  return { partNumber, size, checksum: md5 === undefined ? null : { algorithm: 'md5', value: md5.toString('base64') } };
}
