/**
 * The sweep without a ledger. Receipts on staged objects, sidecars beside parts, and markers contain the state of
 * uploads. It completes uploads whose bytes have arrived, aborts inactive ones, and deletes what is no longer needed.
 * Ages are measured by the clock of the storage, and deleted objects are hours older than any error of a clock.
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
import { type Outcome, type SweepOptions, settledOf, type Tally } from './report.ts';

export interface StorageSweep {
  storage: Storage;
  openReceipt: OpenReceipt;
  states: Pick<UploadStates, 'read' | 'findGrant'>;
  stagingPrefix: string;
  deployment: Pick<Deployment, 'isOwn'>;
  /** Parts are aborted after they have been inactive for this long. */
  abandonAfterSeconds: number;
  completion: Pick<CompletionService, 'completeObject' | 'abort'>;
  /** Milliseconds since the epoch by the clock of this process, which leases use. */
  now: () => number;
  /** The same by the clock of the storage. */
  storageNow: () => number;
  options: SweepOptions & { graceSeconds: number };
  tally: Tally;
}

const parallel = 8;
/** How long an object without a receipt is kept. */
const garbageMs = 24 * 60 * 60_000;
/** Parts may be signed for seven days, and markers and sidecars must outlive that. */
const keptMs = 8 * 24 * 60 * 60_000;

export async function sweepStorage(sweep: StorageSweep): Promise<void> {
  const { storage, stagingPrefix, deployment, options, tally } = sweep;
  // Objects of other deployments are left alone. The lifecycle rule deletes objects of unknown origin.
  const isOwn = ({ key }: { key: string }) => deployment.isOwn(uploadIdOfStagingKey(stagingPrefix, key) ?? '');
  const unfinished = new Set<string>();
  for await (const page of multipartsOf(storage, stagingPrefix, options.signal)) {
    const own = page.filter(isOwn);
    for (const { key } of own) unfinished.add(key);
    await mapLimited(own, parallel, (found) => tally.count(() => settleParts(sweep, found), options.signal));
  }
  for await (const page of pagesOf(storage, stagingPrefix, options.signal))
    await mapLimited(page.filter(isOwn), parallel, (found) =>
      tally.count(() => settleObject(sweep, found, unfinished), options.signal),
    );
}

async function settleParts(sweep: StorageSweep, found: ListedMultipart): Promise<Outcome> {
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

/** Whether no part has arrived for long and the first signed requests have expired. Renewed ones cannot be seen. */
function isAbandoned(
  { abandonAfterSeconds, storageNow }: StorageSweep,
  { initiated }: ListedMultipart,
  opened: OpenedGrant | null,
  parts: readonly PartInfo[],
): boolean {
  const now = storageNow();
  const signs = [initiated, ...parts.flatMap(({ lastModified }) => lastModified ?? [])];
  const expired = opened ? now - opened.claims.expiresAt * 1000 : Number.POSITIVE_INFINITY;
  // A loop, because ten thousand parts are too many arguments for one call.
  const quiet = signs.reduce((shortest, at) => Math.min(shortest, ageOf(at, now)), expired);
  return quiet >= abandonAfterSeconds * 1000;
}

async function settleObject(sweep: StorageSweep, found: Listed, unfinished: ReadonlySet<string>): Promise<Outcome> {
  const { storage, completion, options, stagingPrefix } = sweep;
  const { key } = found;
  const age = ageOf(found.lastModified, sweep.storageNow());
  if (age < options.graceSeconds * 1000) return null;
  const uploadId = uploadIdOfStagedObject(stagingPrefix, key);
  if (uploadId !== null) {
    const due = await lookAt(sweep, key, uploadId);
    if (due === 'completed' && !options.dryRun) {
      return settledOf(await classifyCompletion(() => completion.completeObject(key)));
    }
    if (due === 'completed' || due === null) return due;
    if (due === 'garbage' && age < garbageMs) return null;
  } else if (age < oldestOf(key, stagingPrefix, unfinished)) return null;
  if (!options.dryRun) await storage.delete(key);
  return 'deleted';
}

/** Handles a staged object. Only its completion can tell whether it is what was granted. */
async function lookAt(
  { storage, openReceipt, states, now }: StorageSweep,
  key: string,
  uploadId: string,
): Promise<'completed' | 'decided' | 'garbage' | null> {
  const info = await storage.head(key);
  if (!info) return null;
  const receipt = info.metadata.waybill;
  const opened = receipt === undefined ? null : openReceipt(receipt);
  if (opened?.claims.uploadId !== uploadId) return 'garbage';
  const held = await states.read(uploadId);
  if (held && held.current.state !== 'completing') return 'decided';
  return remainingLeaseMs(held, now()) > 0 ? null : 'completed';
}

/** How long objects in staging that are not uploads are kept: markers, sidecars, and objects of other origin. */
function oldestOf(key: string, stagingPrefix: string, unfinished: ReadonlySet<string>): number {
  if (!key.startsWith(`${stagingPrefix}.waybill/`)) return garbageMs;
  const parts = uploadIdOfSidecar(stagingPrefix, key);
  return parts !== null && unfinished.has(stagingPrefix + parts) ? Number.POSITIVE_INFINITY : keptMs;
}
