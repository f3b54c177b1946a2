import type { GrantedUpload, Transfer } from '../../protocol/index.ts';
import type { Config, ResolvedRoute } from '../config.ts';
import type { Emit } from '../events.ts';
import { invalid } from '../shared/errors.ts';
import type { TakeRandom } from '../shared/random-pool.ts';
import { stagingKeyOf } from '../shared/staging-key.ts';
import type { Claims } from '../state/claims.ts';
import { type Grants, maxReceiptBytes } from './grants.ts';
import type { Multiparts } from './multipart.ts';
import type { ProbeStorage } from './storage-probe.ts';

export interface GrantDependencies {
  config: Config;
  grants: Grants;
  random: TakeRandom;
  emit: Emit | undefined;
  multiparts: () => Promise<Pick<Multiparts, 'begin'>>;
  probeStorage: ProbeStorage;
}

/** An upload that has passed the checks before sealing and is not signed yet. */
export interface Prepared {
  route: ResolvedRoute;
  claims: Claims;
  transfer: Transfer;
  host: number | undefined;
  /** Undefined on a route for `anyone`, where every request has another owner. */
  idempotencyKey: string | undefined;
  /** The id of a multipart upload that has begun already, see `FileDeclaration.idempotencyKey`. */
  multipartId?: string | null;
}

/** @throws {WaybillError} `invalid_request` for metadata that cannot be sealed */
export function sealPrepared({ config, grants }: Pick<GrantDependencies, 'config' | 'grants'>, prepared: Prepared) {
  const { claims } = prepared;
  claims.expiresAt = Math.floor(config.now() / 1000) + config.expiresInSeconds;
  return sealClaims(grants, claims, config.ledger !== undefined);
}

/** Signs the request of an upload. This is the last step of a grant. */
export function signGrant(
  dependencies: GrantDependencies,
  prepared: Prepared,
  sealed = sealPrepared(dependencies, prepared),
): GrantedUpload | Promise<GrantedUpload> {
  const { config, emit, multiparts } = dependencies;
  const { route, claims, transfer, host, multipartId = null } = prepared;
  const nowMs = config.now();
  const { uploadId, ownerId, size, contentType, checksum } = claims;
  const granted = { uploadId, route: claims.route, ownerId, size, contentType, transfer };
  if (transfer === 'none') {
    emit?.('upload.granted', granted);
    return { uploadId, grant: sealed.grant, transfer, contentType, expiresInSeconds: config.expiresInSeconds };
  }
  if (transfer === 'multipart')
    return multiparts().then(async ({ begin }) => {
      const upload = await begin(route, claims, sealed, multipartId);
      emit?.('upload.granted', granted);
      return upload;
    });
  const { storage } = config;
  const constraints = {
    key: stagingKeyOf(config, uploadId),
    size: size as number,
    contentType,
    checksum: checksum ?? undefined,
    metadata: { waybill: sealed.receipt },
    expiresInSeconds: config.expiresInSeconds,
    once: storage.capabilities.once,
    host: host ?? 0,
  };
  const request = transfer === 'form' ? storage.presignForm(constraints) : storage.presignPut(constraints);
  emit?.('upload.granted', granted);
  // A URL expires no later than the credentials that signed it.
  const leftSeconds = Math.max(0, Math.floor((Date.parse(request.expiresAt) - nowMs) / 1000));
  const expiresInSeconds = Math.min(config.expiresInSeconds, leftSeconds);
  return { uploadId, grant: sealed.grant, transfer, contentType, request, expiresInSeconds };
}

/** Seals claims. With a ledger, metadata that is too long for the receipt is left to the ledger. */
function sealClaims(grants: Grants, claims: Claims, hasLedger: boolean): { grant: string; receipt: string } {
  let sealed: { grant: string; receipt: string };
  try {
    sealed = grants.issue(claims);
  } catch (cause) {
    throw invalid([{ path: 'metadata', message: 'cannot be written as JSON' }], cause);
  }
  if (sealed.receipt.length <= maxReceiptBytes) return sealed;
  if (hasLedger && !claims.metadataInLedger)
    return sealClaims(grants, { ...claims, metadataInLedger: true }, hasLedger);
  const excess = sealed.receipt.length - maxReceiptBytes;
  throw invalid([
    { path: 'metadata', message: `is ${excess} bytes too long to be stored with the object, together with the names` },
  ]);
}
