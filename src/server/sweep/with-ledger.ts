/**
 * The sweep with a ledger. It handles the due uploads on record, compares the objects in staging with the record and,
 * on request, those of the whole bucket. The clock of the database decides what is due, and that of the storage what is
 * old.
 */
import type { Storage } from '../../s3/index.ts';
import { classifyCompletion } from '../completion/outcome.ts';
import type { CompletionService } from '../completion/service.ts';
import type { Deployment } from '../shared/deployment.ts';
import { mapLimited } from '../shared/map-limited.ts';
import { uploadIdOfStagedObject, uploadIdOfStagingKey } from '../shared/staging-key.ts';
import type { OpenReceipt } from '../state/claims.ts';
import type { Ledger, UploadRecord } from '../state/ledger.ts';
import { sweepBucket } from './bucket.ts';
import { ageOf, type Listed, type ListedMultipart, multipartsOf, pagesOf } from './listing.ts';
import { type Outcome, type SweepOptions, settledOf, type Tally } from './report.ts';

export interface RecordedSweep {
  storage: Storage;
  openReceipt: OpenReceipt;
  ledger: Ledger;
  stagingPrefix: string;
  deployment: Pick<Deployment, 'isOwn'>;
  completion: Pick<
    CompletionService,
    'completeRecord' | 'completeObject' | 'discardRecord' | 'leavesPlaceholder' | 'emptyStagingKey'
  >;
  /** Milliseconds since the epoch by the clock of the storage. */
  storageNow: () => number;
  options: SweepOptions & { graceSeconds: number };
  tally: Tally;
}

/** A dry run changes nothing, so these are the uploads that it has already counted. */
type Foreseeing = RecordedSweep & { foreseen: Set<string> };

const parallel = 8;
const batch = 100;
/** A dry run reads all due uploads at once, while other sweeps read batches. */
const dryBatch = 10_000;
/** The maximum of one sweep. The next sweep handles the rest. */
const mostBatches = 1000;
const lookAgainMs = { once: 10 * 60_000, byParts: 60 * 60_000, failed: 60_000 };
/** An older object without a record is deleted, because uploads are recorded before anything is signed. */
const garbageMs = 60 * 60_000;
/** How long records of uploads without a file are kept, and the markers and sidecars from before the ledger. */
const keptMs = 30 * 24 * 60 * 60_000;
const endedWithoutFile: ReadonlySet<string> = new Set(['rejected', 'aborted', 'expired']);
const ended: ReadonlySet<string> = new Set(['completed', 'rejected', 'aborted', 'deleted']);

export async function sweepRecords(given: RecordedSweep): Promise<void> {
  const sweep = { ...given, foreseen: new Set<string>() };
  await sweepDue(sweep);
  await sweepStaging(sweep);
  await sweepParts(sweep);
  const { options, tally, ledger } = sweep;
  if (options.orphans || options.deleteOrphans) await sweepBucket(sweep);
  if (!options.dryRun) tally.report.forgotten = await ledger.forget(keptMs, 10_000);
}

async function sweepDue(sweep: Foreseeing): Promise<void> {
  const { ledger, options, tally } = sweep;
  const seen = new Set<string>();
  for (let n = 0; n < mostBatches; n += 1) {
    options.signal?.throwIfAborted();
    const clock = await ledger.ping();
    const found = await ledger.due(options.dryRun ? dryBatch : batch);
    const due = found.filter(({ uploadId }) => !seen.has(uploadId));
    if (due.length === 0) return;
    for (const { uploadId } of due) seen.add(uploadId);
    await mapLimited(due, parallel, async (record) => {
      const outcome = await tally.count(() => settle(sweep, record, clock), options.signal);
      // Uploads that are due and did not change would be all that the next batch contains.
      if (outcome === 'failed' && !options.dryRun)
        await ledger.lookAgain(record.uploadId, lookAgainMs.failed).catch(() => {});
    });
    if (options.dryRun) return;
  }
}

async function settle(sweep: Foreseeing, record: UploadRecord, clock: number): Promise<Outcome> {
  const { ledger, completion, options } = sweep;
  const { uploadId, partSize, abandonAt, state } = record;
  const over = clock >= abandonAt;
  if (record.isReserved && endedWithoutFile.has(state)) return options.dryRun ? null : clearUp(sweep, record, clock);
  if (options.dryRun) return foresee(sweep, record, over);
  const outcome = await classifyCompletion(() => completion.completeRecord(record));
  if (outcome !== 'absent' && outcome !== 'unknown') return outcome;
  // The route may exist again later, with the callback for a file that has arrived.
  if (outcome === 'unknown' && state === 'completing') {
    await ledger.lookAgain(uploadId, lookAgainMs.byParts);
    return null;
  }
  if (!over) {
    const soon = partSize === null ? lookAgainMs.once : lookAgainMs.byParts;
    await ledger.lookAgain(uploadId, Math.min(soon, abandonAt - clock));
    return null;
  }
  // The record is changed first: a client that completes at this moment finds the state `expired` and continues from
  // it.
  if (state === 'granted') {
    if (!(await ledger.expire(uploadId))) return null;
  } else {
    const claimed = await ledger.claim(uploadId, 60_000);
    if (!claimed || !('fence' in claimed)) return null;
    if (!(await ledger.end(uploadId, claimed.fence, { state: 'expired' }))) return null;
  }
  await clearUp(sweep, { ...record, state: 'expired' }, clock);
  return 'expired';
}

/**
 * Deletes what an ended upload has left at the storage, and gives its reservation back once nothing more can be stored.
 */
async function clearUp(sweep: RecordedSweep, record: UploadRecord, clock: number): Promise<Outcome> {
  const { ledger, completion, storage, stagingPrefix } = sweep;
  const { uploadId, state, transfer, abandonAt } = record;
  if (state === 'expired' && transfer !== 'none') {
    await freeParts(sweep, record);
    // What arrives even later is asked to fit the quota when it is completed.
    await ledger.freeReservation(uploadId);
    return null;
  }
  await completion.discardRecord(record);
  if (!(await ledger.find(uploadId))?.isReserved) return null;
  if (clock < abandonAt) {
    await ledger.lookAgain(uploadId, abandonAt - clock);
    return null;
  }
  await storage.delete(stagingPrefix + uploadId);
  await ledger.freeReservation(uploadId);
  return null;
}

/** Predicts the outcome for a dry run, which must not complete the upload. */
async function foresee(sweep: Foreseeing, record: UploadRecord, over: boolean): Promise<Outcome> {
  const { foreseen } = sweep;
  const arrived = await hasArrived(sweep, record);
  if (!arrived && !over) return null;
  foreseen.add(record.uploadId);
  if (arrived) return 'completed';
  await freeParts(sweep, record);
  return 'expired';
}

async function hasArrived({ storage, stagingPrefix }: RecordedSweep, record: UploadRecord): Promise<boolean> {
  const key = stagingPrefix + record.uploadId;
  if (record.transfer === 'none') return (await storage.head(record.key)) !== null;
  if ((await storage.head(key)) !== null) return true;
  const { multipartId, size, partSize } = record;
  if (multipartId === null || size === null || partSize === null) return false;
  const parts = await storage.listParts(key, multipartId);
  return parts !== null && parts.reduce((sum, part) => sum + part.size, 0) === size;
}

async function freeParts(
  { storage, stagingPrefix, tally, options }: RecordedSweep,
  { uploadId, multipartId }: UploadRecord,
): Promise<void> {
  if (multipartId === null) return;
  await tally.count(async () => {
    if (!options.dryRun) await storage.abortMultipart(stagingPrefix + uploadId, multipartId);
    return 'aborted';
  });
}

/** Handles staged objects: arrived and not announced, stored again with an unexpired URL, or without a grant. */
async function sweepStaging(sweep: Foreseeing): Promise<void> {
  const { storage, ledger, stagingPrefix, options, tally, storageNow } = sweep;
  for await (const page of pagesOf(storage, stagingPrefix, options.signal)) {
    const old = page.filter(({ lastModified }) => ageOf(lastModified, storageNow()) >= options.graceSeconds * 1000);
    const records = await ledger.findMany(old.flatMap(({ key }) => uploadIdOfStagedObject(stagingPrefix, key) ?? []));
    const clock = await ledger.ping();
    await mapLimited(old, parallel, (found) =>
      tally.count(() => settleStaged(sweep, found, records, clock), options.signal),
    );
  }
}

async function settleStaged(
  sweep: Foreseeing,
  { key, size, lastModified }: Listed,
  records: ReadonlyMap<string, UploadRecord>,
  clock: number,
): Promise<Outcome> {
  const { storage, stagingPrefix, deployment, options, storageNow, completion, foreseen } = sweep;
  const id = uploadIdOfStagedObject(stagingPrefix, key);
  if (id !== null && foreseen.has(id)) return null;
  const record = id === null ? undefined : records.get(id);
  if (record && !ended.has(record.state)) {
    // An upload that waits for its next attempt, or for the operator, is left alone.
    if (record.callback.retryAt !== null || record.callback.parkedAt !== null || record.leaseLeftMs > 0) return null;
    if (options.dryRun) return 'completed';
    return settledOf(await classifyCompletion(() => completion.completeRecord(record)));
  }
  // An object without a record belongs to the deployment in its key, which may have another ledger.
  if (!record && !deployment.isOwn(uploadIdOfStagingKey(stagingPrefix, key) ?? '')) return null;
  // The upload was granted before the ledger existed or after its last backup. Its receipt identifies it.
  if (!record && id !== null && (await hasReceipt(sweep, key, id))) {
    if (options.dryRun) return 'completed';
    return settledOf(await classifyCompletion(() => completion.completeObject(key)));
  }
  // Until its request has expired, an empty object prevents that request from storing anything.
  if (record && clock < record.abandonAt && completion.leavesPlaceholder(record)) {
    if (size === 0) return null;
    if (!options.dryRun) await completion.emptyStagingKey(record);
    return 'deleted';
  }
  // Markers and sidecars without a record are deleted when nothing can need them any more.
  const kept = record ? 0 : id === null ? keptMs : garbageMs;
  if (ageOf(lastModified, storageNow()) < kept) return null;
  if (!options.dryRun) await storage.delete(key);
  return 'deleted';
}

async function hasReceipt({ storage, openReceipt }: RecordedSweep, key: string, uploadId: string): Promise<boolean> {
  const receipt = (await storage.head(key))?.metadata.waybill;
  return receipt !== undefined && openReceipt(receipt)?.claims.uploadId === uploadId;
}

/** Handles multipart uploads that have ended, or that were not granted. */
async function sweepParts(sweep: Foreseeing): Promise<void> {
  const { storage, ledger, stagingPrefix, options, tally } = sweep;
  for await (const page of multipartsOf(storage, stagingPrefix, options.signal)) {
    const records = await ledger.findMany(page.flatMap(({ key }) => uploadIdOfStagedObject(stagingPrefix, key) ?? []));
    await mapLimited(page, parallel, (found) => {
      const id = uploadIdOfStagedObject(stagingPrefix, found.key) ?? '';
      return tally.count(() => settleParts(sweep, found, records.get(id)), options.signal);
    });
  }
}

async function settleParts(
  { storage, stagingPrefix, deployment, options, storageNow, foreseen }: Foreseeing,
  { key, multipartId, initiated }: ListedMultipart,
  record: UploadRecord | undefined,
): Promise<Outcome> {
  if (record && foreseen.has(record.uploadId)) return null;
  if (!record && !deployment.isOwn(uploadIdOfStagingKey(stagingPrefix, key) ?? '')) return null;
  const old = ageOf(initiated, storageNow()) >= garbageMs;
  const alive = record?.state === 'granted' || record?.state === 'completing';
  // An upload that was created twice, because an answer was lost, has one multipart upload too many.
  const twin = record?.multipartId != null && record.multipartId !== multipartId;
  if (record && !alive ? false : !old || (alive && !twin)) return null;
  if (!options.dryRun) await storage.abortMultipart(key, multipartId);
  return 'aborted';
}
