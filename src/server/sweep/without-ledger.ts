/**
 * The sweep without a ledger. It reads the state of uploads from the receipts of staged objects, from the sidecars of
 * uploads in parts, and from markers. It completes uploads whose bytes have arrived, aborts inactive ones, and deletes
 * what is no longer needed. Ages are measured by the clock of the storage. An object whose upload is not known is
 * deleted only when it is many hours old, so that a clock that is some minutes wrong does no harm.
 */
import type { PartInfo, Storage } from '../../s3/index.ts';
import { classifyCompletion } from '../completion/outcome.ts';
import type { CompletionService } from '../completion/service.ts';
import type { Deployment } from '../shared/deployment.ts';
import { mapLimited } from '../shared/map-limited.ts';
import { uploadIdOfSidecar, uploadIdOfStagedObject, uploadIdOfStagingKey } from '../shared/staging-key.ts';
import type { OpenedGrant, OpenReceipt } from '../state/claims.ts';
import { remainingLeaseMs, type UploadStates } from '../state/upload-states.ts';
import { ageOf, type Listed, type ListedMultipart, multipartsOf, pagesOf } from './listing.ts';
import { type Outcome, type SweepOptions, type SweepProgress, toSweepOutcome } from './report.ts';

export interface StorageSweepContext {
  storage: Storage;
  openReceipt: OpenReceipt;
  states: Pick<UploadStates, 'read' | 'findGrant'>;
  stagingPrefix: string;
  deployment: Pick<Deployment, 'isOwn'>;
  /** A multipart upload is aborted after no part has arrived for this long. */
  abandonAfterSeconds: number;
  completion: Pick<CompletionService, 'completeObject' | 'abort'>;
  /** Milliseconds since the epoch by the clock of this process, which leases use. */
  now: () => number;
  /** The same by the clock of the storage. */
  storageNow: () => number;
  options: SweepOptions & { graceSeconds: number };
  progress: SweepProgress;
}

const parallel = 8;
/** How long an object in staging is kept that has no receipt of this deployment. */
const keepUnknownMs = 24 * 60 * 60_000;
/** How long markers and sidecars are kept: longer than the seven days for which requests may be signed. */
const keepMarkersMs = 8 * 24 * 60 * 60_000;

export async function sweepStorage(sweep: StorageSweepContext): Promise<void> {
  const { storage, stagingPrefix, deployment, options, progress } = sweep;
  // Objects of other deployments are left alone. The lifecycle rule deletes objects of unknown origin.
  const isOwn = ({ key }: { key: string }) => deployment.isOwn(uploadIdOfStagingKey(stagingPrefix, key) ?? '');
  const unfinished = new Set<string>();
  for await (const page of multipartsOf(storage, stagingPrefix, options.signal)) {
    const own = page.filter(isOwn);
    for (const { key } of own) unfinished.add(key);
    await mapLimited(own, parallel, (found) => progress.runStep(() => handleMultipart(sweep, found), options.signal));
  }
  for await (const page of pagesOf(storage, stagingPrefix, options.signal))
    await mapLimited(page.filter(isOwn), parallel, (found) =>
      progress.runStep(() => handleStagedObject(sweep, found, unfinished), options.signal),
    );
}

async function handleMultipart(sweep: StorageSweepContext, found: ListedMultipart): Promise<Outcome> {
  const { storage, states, completion, options, stagingPrefix, now } = sweep;
  const age = ageOf(found.initiated, sweep.storageNow());
  if (age < options.graceSeconds * 1000) return null;
  const uploadId = uploadIdOfStagedObject(stagingPrefix, found.key);
  const opened = uploadId === null ? null : await states.findGrant(uploadId);
  const parts = await storage.listParts(found.key, found.multipartId);
  if (!parts) return null;
  if (opened && isWhole(opened, parts)) {
    if (options.dryRun) return 'completed';
    const outcome = await classifyCompletion(() => completion.completeObject(found.key));
    if (outcome !== 'absent' && outcome !== 'unknown') return outcome;
  }
  if (!isAbandoned(sweep, found, opened, parts)) return null;
  if (uploadId !== null && remainingLeaseMs(await states.read(uploadId), now()) > 0) return null;
  if (options.dryRun) return 'aborted';
  if (opened)
    await classifyCompletion(async () => {
      await completion.abort({ ...opened, multipart: { multipartId: found.multipartId, expiresAt: 0 } });
      return null;
    });
  await storage.abortMultipart(found.key, found.multipartId);
  return 'aborted';
}

function isWhole({ claims }: OpenedGrant, parts: readonly PartInfo[]): boolean {
  return claims.size !== null && parts.reduce((sum, { size }) => sum + size, 0) === claims.size;
}

/**
 * Whether the grant expired `abandonAfterSeconds` ago, and no part has arrived since then. Requests that were signed
 * later leave no trace at the storage until their part arrives, so they are not considered.
 */
function isAbandoned(
  { abandonAfterSeconds, storageNow }: StorageSweepContext,
  { initiated }: ListedMultipart,
  opened: OpenedGrant | null,
  parts: readonly PartInfo[],
): boolean {
  const now = storageNow();
  const activityDates = [initiated, ...parts.flatMap(({ lastModified }) => lastModified ?? [])];
  const sinceExpiryMs = opened ? now - opened.claims.expiresAt * 1000 : Number.POSITIVE_INFINITY;
  const inactiveMs = activityDates.reduce((shortest, at) => Math.min(shortest, ageOf(at, now)), sinceExpiryMs);
  return inactiveMs >= abandonAfterSeconds * 1000;
}

async function handleStagedObject(
  sweep: StorageSweepContext,
  { key, lastModified }: Listed,
  unfinished: ReadonlySet<string>,
): Promise<Outcome> {
  const { storage, completion, options, stagingPrefix } = sweep;
  const age = ageOf(lastModified, sweep.storageNow());
  if (age < options.graceSeconds * 1000) return null;
  const uploadId = uploadIdOfStagedObject(stagingPrefix, key);
  if (uploadId !== null) {
    const found = await classifyStagedObject(sweep, key, uploadId);
    if (found === 'gone' || found === 'being-completed') return null;
    if (found === 'complete') {
      if (options.dryRun) return 'completed';
      return toSweepOutcome(await classifyCompletion(() => completion.completeObject(key)));
    }
    if (found === 'unknown' && age < keepUnknownMs) return null;
  } else if (age < chooseMaxAgeMs(key, stagingPrefix, unfinished)) return null;
  if (!options.dryRun) await storage.delete(key);
  return 'deleted';
}

/**
 * Says what a staged object is: `ended` when its upload has ended, `unknown` without a receipt of this deployment, and
 * `complete` when it can be completed. Only the completion can tell whether the object is what was granted.
 */
async function classifyStagedObject(
  { storage, openReceipt, states, now }: StorageSweepContext,
  key: string,
  uploadId: string,
): Promise<'complete' | 'ended' | 'unknown' | 'gone' | 'being-completed'> {
  const info = await storage.head(key);
  if (!info) return 'gone';
  const receipt = info.metadata.waybill;
  const opened = receipt === undefined ? null : openReceipt(receipt);
  if (opened?.claims.uploadId !== uploadId) return 'unknown';
  const recorded = await states.read(uploadId);
  if (recorded && recorded.current.state !== 'completing') return 'ended';
  return remainingLeaseMs(recorded, now()) > 0 ? 'being-completed' : 'complete';
}

/** How long an object in staging that holds no upload is kept: a marker, a sidecar, or an object of other origin. */
function chooseMaxAgeMs(key: string, stagingPrefix: string, unfinished: ReadonlySet<string>): number {
  if (!key.startsWith(`${stagingPrefix}.waybill/`)) return keepUnknownMs;
  const uploadId = uploadIdOfSidecar(stagingPrefix, key);
  // A sidecar is kept for as long as there are parts.
  return uploadId !== null && unfinished.has(stagingPrefix + uploadId) ? Number.POSITIVE_INFINITY : keepMarkersMs;
}
