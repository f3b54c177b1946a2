/**
 * Grants with a ledger: one transaction records all uploads of a request and reserves their quota before anything is
 * signed. An upload that then cannot be signed gives its reservation back.
 */
import { type GrantedUpload, WaybillError } from '../../protocol/index.ts';
import type { Owner } from '../callback-inputs.ts';
import type { Config, ResolvedRoute } from '../config.ts';
import { type Failure, isFailure } from '../shared/failure.ts';
import { mapLimited } from '../shared/map-limited.ts';
import type { Claims } from '../state/claims.ts';
import type { Ledger, NewUpload, Quota } from '../state/ledger.ts';
import { buildNewUpload } from '../state/new-upload.ts';
import { quotaExceeded } from '../state/quota-exceeded.ts';
import { requireSameDeclaration } from './idempotency.ts';
import { type GrantDependencies, type Prepared, sealPrepared, signGrant } from './sign-grant.ts';

/** At most this many multipart uploads begin at the same time. */
const parallelMultiparts = 8;

interface Sealed extends Prepared {
  /** The upload before it was replaced by a reference to a stored file with the same bytes. */
  original: Prepared;
  sealed: ReturnType<typeof sealPrepared>;
}

export async function grantWithLedger(
  dependencies: GrantDependencies,
  ledger: Ledger,
  owner: Owner,
  {
    count,
    prepareFileAt,
    canSkipSending,
  }: { count: number; prepareFileAt: (index: number) => Prepared | Promise<Prepared>; canSkipSending: boolean },
): Promise<(GrantedUpload | Failure)[]> {
  const { config } = dependencies;
  const prepared: (Sealed | Failure)[] = [];
  for (let index = 0; index < count; index += 1) {
    try {
      const one = await prepareFileAt(index);
      const chosen = canSkipSending ? await reuseStoredFile(ledger, one) : one;
      // Sealed before the transaction, in which all uploads are recorded together: one that cannot be sealed must not
      // make the others fail.
      prepared.push({ ...chosen, original: one, sealed: sealPrepared(dependencies, chosen) });
    } catch (failure) {
      prepared.push({ failure });
    }
  }
  const wanted = prepared.filter((one) => !isFailure(one)) as Sealed[];
  const outcomes = wanted.length === 0 ? [] : await ledger.grant(wanted.map((one) => createRecord(config, one, owner)));
  const outcomeByUpload = new Map(wanted.map((one, index) => [one, outcomes[index] ?? null]));
  return mapLimited(prepared, parallelMultiparts, async (one) => {
    if (isFailure(one)) return one;
    const outcome = outcomeByUpload.get(one) ?? null;
    if (outcome && 'existing' in outcome)
      return signAgain(dependencies, ledger, one, { uploadId: outcome.existing, canSkipSending }).catch((failure) => ({
        failure,
      }));
    if (outcome) return { failure: quotaExceeded(outcome) };
    try {
      return await signGrant(dependencies, one, one.sealed);
    } catch (failure) {
      // Nothing was signed, so the reservation is given back. If that fails as well, the sweep does it later.
      const { uploadId } = one.claims;
      await ledger.abort(uploadId).then(
        () => ledger.freeReservation(uploadId),
        () => {},
      );
      return { failure };
    }
  });
}

/**
 * Signs a new request for the upload of an idempotency key.
 *
 * @throws {WaybillError} `upload_conflict` when the declaration differs
 */
async function signAgain(
  dependencies: GrantDependencies,
  ledger: Ledger,
  { original }: Sealed,
  { uploadId, canSkipSending }: { uploadId: string; canSkipSending: boolean },
): Promise<GrantedUpload> {
  const record = requireSameDeclaration(await ledger.find(uploadId), original.claims);
  const { key, state, multipartId } = record;
  if (state === 'granted') await ledger.renewGrant(uploadId, dependencies.config.expiresInSeconds * 1000);
  const claims: Claims = { ...original.claims, uploadId, key };
  if (record.transfer === 'none') claims.shared = true;
  // When the bytes have arrived already, the client only has to complete the upload.
  const hasArrived = claims.shared || (canSkipSending && state !== 'granted');
  const again: Prepared = { ...original, claims, transfer: hasArrived ? 'none' : original.transfer, multipartId };
  return signGrant(dependencies, again);
}

/** On a route with `dedupe`, uses a stored file of the same owner whose SHA-256 the storage has verified. */
async function reuseStoredFile(ledger: Ledger, prepared: Prepared): Promise<Prepared> {
  const { route, claims } = prepared;
  const { ownerId, checksum, size, partSize } = claims;
  if (!route.definition.dedupe || checksum?.algorithm !== 'sha256' || size === null || partSize !== null)
    return prepared;
  const stored = await ledger.findStored({ ownerId, route: claims.route, sha256: checksum.value, size });
  // The stored object keeps its content type, so the new upload can only share it when it has the same one.
  if (!stored || stored.contentType !== claims.contentType) return prepared;
  return { ...prepared, transfer: 'none', claims: { ...claims, key: stored.key, shared: true } };
}

function createRecord(config: Config, { route, claims, transfer, idempotencyKey }: Prepared, owner: Owner): NewUpload {
  return buildNewUpload(
    config,
    route,
    claims,
    transfer,
    {
      owner: config.quota,
      route: resolveQuota(route, owner),
    },
    idempotencyKey,
  );
}

function resolveQuota({ definition, name }: ResolvedRoute, owner: Owner): Quota | null {
  const { quota } = definition;
  if (typeof quota !== 'function') return quota ?? null;
  const chosen = quota(owner);
  if (chosen !== null && typeof chosen !== 'object')
    throw new WaybillError('internal_error', `The result of \`quota\` of the route ${name} is not a quota.`);
  return chosen;
}
