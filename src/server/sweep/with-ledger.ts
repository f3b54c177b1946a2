/**
 * The sweep of a ledger. What is due is on record; what lies in staging is compared with the record; and where it is asked
 * for, so is the whole bucket. What is due the database's clock decides, what is old the storage's.
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
  /** Milliseconds since the epoch, as the storage counts them. */
  storageNow: () => number;
  options: SweepOptions & { graceSeconds: number };
  tally: Tally;
}

/** In a dry run nothing moves on, so what one look has counted the next must not. */
type Foreseeing = RecordedSweep & { foreseen: Set<string> };

const parallel = 8;
const batch = 100;
/** A dry run finds out with one look what others do batch by batch. */
const dryBatch = 10_000;
/** One pass ends some time: what is left is due in the next. */
const mostBatches = 1000;
const lookAgainMs = { once: 10 * 60_000, byParts: 60 * 60_000, failed: 60_000 };
/** Whatever has no record and is older is garbage: records are written before anything is signed. */
const garbageMs = 60 * 60_000;
/** Records of uploads that ended without a file, and the objects with which storages remembered before there was a ledger. */
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
      // What is due and stays as it is would be all that the next look finds.
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
  // Its route may come back, and with it the callback for a file that is there.
  if (outcome === 'unknown' && state === 'completing') {
    await ledger.lookAgain(uploadId, lookAgainMs.byParts);
    return null;
  }
  if (!over) {
    const soon = partSize === null ? lookAgainMs.once : lookAgainMs.byParts;
    await ledger.lookAgain(uploadId, Math.min(soon, abandonAt - clock));
    return null;
  }
  // The record first: whoever comes at this moment with the bytes finds it expired, and takes it back.
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

/** Whatever an ended upload has left at the storage goes, and its reservation with it as soon as nothing more can come. */
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

/** For a dry run, which may not complete to find out. */
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

/** Objects that arrived and were not announced, that came again under an unexpired URL, or that nobody granted. */
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
    // One that waits for its callback, or for an operator, is not to be hurried.
    if (record.callback.retryAt !== null || record.callback.parkedAt !== null || record.leaseLeftMs > 0) return null;
    if (options.dryRun) return 'completed';
    return settledOf(await classifyCompletion(() => completion.completeRecord(record)));
  }
  // Without a record it is for the deployment that its key names, which may have a ledger of its own.
  if (!record && !deployment.isOwn(uploadIdOfStagingKey(stagingPrefix, key) ?? '')) return null;
  // Granted before there was a ledger, or after its last backup: its receipt still tells what it is.
  if (!record && id !== null && (await hasReceipt(sweep, key, id))) {
    if (options.dryRun) return 'completed';
    return settledOf(await classifyCompletion(() => completion.completeObject(key)));
  }
  // Until its request has expired, an empty object keeps that request from storing.
  if (record && clock < record.abandonAt && completion.leavesPlaceholder(record)) {
    if (size === 0) return null;
    if (!options.dryRun) await completion.emptyStagingKey(record);
    return 'deleted';
  }
  // Without a record: what the storage remembered by itself goes when nothing can need it any more.
  const kept = record ? 0 : id === null ? keptMs : garbageMs;
  if (ageOf(lastModified, storageNow()) < kept) return null;
  if (!options.dryRun) await storage.delete(key);
  return 'deleted';
}

async function hasReceipt({ storage, openReceipt }: RecordedSweep, key: string, uploadId: string): Promise<boolean> {
  const receipt = (await storage.head(key))?.metadata.waybill;
  return receipt !== undefined && openReceipt(receipt)?.claims.uploadId === uploadId;
}

/** Parts of uploads that have ended, or that nobody granted. */
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
  // One that began twice (its answer was lost) has one set of parts too many.
  const twin = record?.multipartId != null && record.multipartId !== multipartId;
  if (record && !alive ? false : !old || (alive && !twin)) return null;
  if (!options.dryRun) await storage.abortMultipart(key, multipartId);
  return 'aborted';
}
