/**
 * Grants with a ledger: what passed every rule is put on record and its quota reserved, all of a request in one
 * transaction, before anything is signed. What then cannot be signed gives its reservation back.
 */
import { type GrantedUpload, WaybillError } from '../../protocol/index.ts';
import type { Config, ResolvedRoute } from '../config.ts';
import { type Failure, isFailure } from '../shared/failure.ts';
import { mapLimited } from '../shared/map-limited.ts';
import type { Claims } from '../state/claims.ts';
import type { Ledger, NewUpload, Quota } from '../state/ledger.ts';
import { buildNewUpload } from '../state/new-upload.ts';
import { quotaExceeded } from '../state/quota-exceeded.ts';
import type { Owner } from '../types.ts';
import { requireSameDeclaration } from './idempotency.ts';
import { type GrantDependencies, type Prepared, sealPrepared, sign } from './sign-grant.ts';

/** Beginnings of multipart uploads at once. */
const parallel = 8;

interface Sealed extends Prepared {
  /** As it would be sent, whatever the owner has stored already. */
  plain: Prepared;
  sealed: ReturnType<typeof sealPrepared>;
}

export async function grantOnRecord(
  dependencies: GrantDependencies,
  ledger: Ledger,
  owner: Owner,
  {
    count,
    prepareAt,
    takesNone,
  }: { count: number; prepareAt: (index: number) => Prepared | Promise<Prepared>; takesNone: boolean },
): Promise<(GrantedUpload | Failure)[]> {
  const { config } = dependencies;
  const prepared: (Sealed | Failure)[] = [];
  for (let index = 0; index < count; index += 1) {
    try {
      const one = await prepareAt(index);
      const chosen = takesNone ? await shareStored(ledger, one) : one;
      // Before the ledger sees it: what cannot be sealed must not fail in a transaction that others share.
      prepared.push({ ...chosen, plain: one, sealed: sealPrepared(dependencies, chosen) });
    } catch (failure) {
      prepared.push({ failure });
    }
  }
  const wanted = prepared.filter((one) => !isFailure(one)) as Sealed[];
  const outcomes = wanted.length === 0 ? [] : await ledger.grant(wanted.map((one) => newUpload(config, one, owner)));
  const outcomeOf = new Map(wanted.map((one, index) => [one, outcomes[index] ?? null]));
  return mapLimited(prepared, parallel, async (one) => {
    if (isFailure(one)) return one;
    const outcome = outcomeOf.get(one) ?? null;
    if (outcome && 'existing' in outcome)
      return signAgain(dependencies, ledger, one, { uploadId: outcome.existing, takesNone }).catch((failure) => ({
        failure,
      }));
    if (outcome) return { failure: quotaExceeded(outcome) };
    try {
      return await sign(dependencies, one, one.sealed);
    } catch (failure) {
      // Should this fail too, the sweep gives the quota back. Nothing was signed that could store.
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
 * The upload that an idempotency key names, with a fresh request.
 *
 * @throws {WaybillError} `upload_conflict` when it is of another declaration
 */
async function signAgain(
  dependencies: GrantDependencies,
  ledger: Ledger,
  { plain }: Sealed,
  { uploadId, takesNone }: { uploadId: string; takesNone: boolean },
): Promise<GrantedUpload> {
  const record = requireSameDeclaration(await ledger.find(uploadId), plain.claims);
  const { key, state, multipartId } = record;
  if (state === 'granted') await ledger.renew(uploadId, dependencies.config.expiresInSeconds * 1000);
  const claims: Claims = { ...plain.claims, uploadId, key };
  if (record.transfer === 'none') claims.shared = true;
  // Its bytes have arrived: there is only to complete it.
  const isThere = claims.shared || (takesNone && state !== 'granted');
  const again: Prepared = { ...plain, claims, transfer: isThere ? 'none' : plain.transfer, multipartId };
  return sign(dependencies, again);
}

/** Only what the storage verified as SHA-256, and only the owner's own on the same route. */
async function shareStored(ledger: Ledger, prepared: Prepared): Promise<Prepared> {
  const { route, claims } = prepared;
  const { ownerId, checksum, size, partSize } = claims;
  if (!route.definition.dedupe || checksum?.algorithm !== 'sha256' || size === null || partSize !== null)
    return prepared;
  const stored = await ledger.findStored({ ownerId, route: claims.route, sha256: checksum.value, size });
  // The object keeps the type that it was verified as.
  if (!stored || stored.contentType !== claims.contentType) return prepared;
  return { ...prepared, transfer: 'none', claims: { ...claims, key: stored.key, shared: true } };
}

function newUpload(config: Config, { route, claims, transfer, idempotencyKey }: Prepared, owner: Owner): NewUpload {
  return buildNewUpload(
    config,
    route,
    claims,
    transfer,
    {
      owner: config.quota,
      route: quotaOf(route, owner),
    },
    idempotencyKey,
  );
}

function quotaOf({ definition, name }: ResolvedRoute, owner: Owner): Quota | null {
  const { quota } = definition;
  if (typeof quota !== 'function') return quota ?? null;
  const chosen = quota(owner);
  if (chosen !== null && typeof chosen !== 'object')
    throw new WaybillError('internal_error', `The result of \`quota\` of the route ${name} is not a quota.`);
  return chosen;
}
