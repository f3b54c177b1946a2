/**
 * The sweep with a ledger. It handles the uploads on record that are due, compares the objects in staging with the
 * records and, on request, the objects of the whole bucket. The clock of the database decides which uploads are due,
 * and the clock of the storage decides which objects are old.
 */
import type { Storage } from '../../s3/index.ts';
import { classifyCompletion } from '../completion/outcome.ts';
import type { CompletionService } from '../completion/service.ts';
import { type Emit, eventFacts } from '../events.ts';
import type { Deployment } from '../shared/deployment.ts';
import { mapLimited } from '../shared/map-limited.ts';
import { uploadIdOfStagedObject, uploadIdOfStagingKey } from '../shared/staging-key.ts';
import type { OpenReceipt } from '../state/claims.ts';
import type { ChooseEffects } from '../state/end-effects.ts';
import type { Ledger, UploadRecord } from '../state/ledger.ts';
import { restoreGrant } from '../state/restore-grant.ts';
import { sweepBucket } from './bucket.ts';
import { sweepCallbacks } from './callbacks.ts';
import { ageOf, type Listed, type ListedMultipart, multipartsOf, pagesOf } from './listing.ts';
import { type Outcome, type SweepOptions, type SweepProgress, toSweepOutcome } from './report.ts';

export interface LedgerSweep {
  storage: Storage;
  openReceipt: OpenReceipt;
  ledger: Ledger;
  effects: Pick<ChooseEffects, 'ofEnding'>;
  emit: Emit | undefined;
  stagingPrefix: string;
  deployment: Pick<Deployment, 'isOwn'>;
  completion: Pick<
    CompletionService,
    'completeRecord' | 'completeObject' | 'discardRecord' | 'leavesPlaceholder' | 'emptyStagingKey' | 'runEndCallback'
  >;
  /** Milliseconds since the epoch by the clock of the storage. */
  storageNow: () => number;
  /** How long entries of the audit trail are kept. */
  keepAuditDays: number;
  options: SweepOptions & { graceSeconds: number };
  progress: SweepProgress;
}

/**
 * `predicted` contains the uploads whose outcome a dry run has already counted. It changes nothing, so it finds the
 * objects of these uploads again.
 */
type LedgerSweepRun = LedgerSweep & { predicted: Set<string> };

const parallel = 8;
const batchSize = 100;
/** A dry run reads all due uploads at once, while other sweeps read batches. */
const dryRunBatchSize = 10_000;
/** One sweep handles at most this many batches. The next sweep handles the rest. */
const maxBatches = 1000;
/** How long an upload that is not ready is left alone: when it is sent in one request, in parts, or its step failed. */
const postponeMs = { inOneRequest: 10 * 60_000, inParts: 60 * 60_000, failed: 60_000 };
/**
 * How long an object without a record is kept. It may be deleted, because uploads are recorded before anything is
 * signed.
 */
const keepUnknownMs = 60 * 60_000;
const dayMs = 24 * 60 * 60_000;
/** How long records of uploads without a file are kept, and the markers and sidecars from before the ledger. */
const keepEndedMs = 30 * dayMs;
const endedWithoutFile: ReadonlySet<string> = new Set(['rejected', 'aborted', 'expired']);
const ended: ReadonlySet<string> = new Set(['completed', 'rejected', 'aborted', 'deleted']);

export async function sweepRecords(given: LedgerSweep): Promise<void> {
  const sweep = { ...given, predicted: new Set<string>() };
  await sweepDue(sweep);
  if (!given.options.dryRun) await sweepCallbacks(sweep);
  await sweepStaging(sweep);
  await sweepMultiparts(sweep);
  const { options, progress, ledger, keepAuditDays } = sweep;
  if (options.orphans || options.deleteOrphans) await sweepBucket(sweep);
  if (options.dryRun) return;
  progress.report.forgotten = await ledger.forget(keepEndedMs, 10_000);
  await ledger.forgetAudit(keepAuditDays * dayMs, 10_000);
}

async function sweepDue(sweep: LedgerSweepRun): Promise<void> {
  const { ledger, options, progress } = sweep;
  const seen = new Set<string>();
  for (let n = 0; n < maxBatches; n += 1) {
    options.signal?.throwIfAborted();
    const clock = await ledger.ping();
    const found = await ledger.findDue(options.dryRun ? dryRunBatchSize : batchSize);
    const due = found.filter(({ uploadId }) => !seen.has(uploadId));
    if (due.length === 0) return;
    for (const { uploadId } of due) seen.add(uploadId);
    await mapLimited(due, parallel, async (record) => {
      const outcome = await progress.runStep(() => handleDueUpload(sweep, record, clock), options.signal);
      // Otherwise the next batches would contain only uploads that failed and are still due.
      if (outcome === 'failed' && !options.dryRun)
        await ledger.postponeSweep(record.uploadId, postponeMs.failed).catch(() => {});
    });
    if (options.dryRun) return;
  }
}

async function handleDueUpload(sweep: LedgerSweepRun, record: UploadRecord, clock: number): Promise<Outcome> {
  const { ledger, completion, options } = sweep;
  const { uploadId, partSize, abandonAt, state } = record;
  const isAbandoned = clock >= abandonAt;
  if (record.isReserved && endedWithoutFile.has(state))
    return options.dryRun ? null : cleanUpUpload(sweep, record, clock);
  if (options.dryRun) return predictOutcome(sweep, record, isAbandoned);
  const outcome = await classifyCompletion(() => completion.completeRecord(record));
  if (outcome !== 'absent' && outcome !== 'unknown') return outcome;
  // The file may have arrived, and its route may exist again later, with the callback that the file needs.
  if (outcome === 'unknown' && state === 'completing') {
    await ledger.postponeSweep(uploadId, postponeMs.inParts);
    return null;
  }
  if (!isAbandoned) {
    const delayMs = partSize === null ? postponeMs.inOneRequest : postponeMs.inParts;
    await ledger.postponeSweep(uploadId, Math.min(delayMs, abandonAt - clock));
    return null;
  }
  // The record is changed before the parts are deleted: a client that completes at this moment finds the state
  // `expired`, from which a completion may continue.
  if (!(await expireUpload(sweep, record))) return null;
  await cleanUpUpload(sweep, { ...record, state: 'expired' }, clock);
  return 'expired';
}

/** Returns false when the upload has changed in the meantime. */
async function expireUpload({ ledger, effects, emit }: LedgerSweep, record: UploadRecord): Promise<boolean> {
  const { claims } = restoreGrant(record);
  const { uploadId } = claims;
  const ending = { state: 'expired' } as const;
  const expired = { ...ending, ...effects.ofEnding(claims, ending) };
  let hasExpired: boolean;
  if (record.state === 'granted') hasExpired = await ledger.expire(uploadId, expired);
  else {
    const leased = await ledger.takeLease(uploadId, 60_000);
    hasExpired = leased !== null && 'fence' in leased && (await ledger.end(uploadId, leased.fence, expired));
  }
  if (hasExpired) emit?.('upload.expired', eventFacts(claims));
  return hasExpired;
}

/**
 * Deletes what an ended upload has left at the storage, and gives its reservation back once its request can store
 * nothing more.
 */
async function cleanUpUpload(sweep: LedgerSweep, record: UploadRecord, clock: number): Promise<Outcome> {
  const { ledger, completion, storage, stagingPrefix } = sweep;
  const { uploadId, state, transfer, abandonAt } = record;
  if (state === 'expired' && transfer !== 'none') {
    await freeParts(sweep, record);
    // Bytes that arrive even later are counted again when they are completed, and must fit the quota then.
    await ledger.freeReservation(uploadId);
    return null;
  }
  await completion.discardRecord(record);
  if (!(await ledger.find(uploadId))?.isReserved) return null;
  if (clock < abandonAt) {
    await ledger.postponeSweep(uploadId, abandonAt - clock);
    return null;
  }
  await storage.delete(stagingPrefix + uploadId);
  await ledger.freeReservation(uploadId);
  return null;
}

/** Predicts the outcome for a dry run, which must not complete the upload. */
async function predictOutcome(sweep: LedgerSweepRun, record: UploadRecord, isAbandoned: boolean): Promise<Outcome> {
  const { predicted } = sweep;
  const arrived = await hasArrived(sweep, record);
  if (!arrived && !isAbandoned) return null;
  predicted.add(record.uploadId);
  if (arrived) return 'completed';
  await freeParts(sweep, record);
  return 'expired';
}

async function hasArrived({ storage, stagingPrefix }: LedgerSweep, record: UploadRecord): Promise<boolean> {
  const key = stagingPrefix + record.uploadId;
  if (record.transfer === 'none') return (await storage.head(record.key)) !== null;
  if ((await storage.head(key)) !== null) return true;
  const { multipartId, size, partSize } = record;
  if (multipartId === null || size === null || partSize === null) return false;
  const parts = await storage.listParts(key, multipartId);
  return parts !== null && parts.reduce((sum, part) => sum + part.size, 0) === size;
}

async function freeParts(
  { storage, stagingPrefix, progress, options }: LedgerSweep,
  { uploadId, multipartId }: UploadRecord,
): Promise<void> {
  if (multipartId === null) return;
  await progress.runStep(async () => {
    if (!options.dryRun) await storage.abortMultipart(stagingPrefix + uploadId, multipartId);
    return 'aborted';
  });
}

/**
 * Handles staged objects: those that have arrived and were not completed by their client, those that were sent again
 * with an unexpired URL, and those without a record.
 */
async function sweepStaging(sweep: LedgerSweepRun): Promise<void> {
  const { storage, ledger, stagingPrefix, options, progress, storageNow } = sweep;
  for await (const page of pagesOf(storage, stagingPrefix, options.signal)) {
    const old = page.filter(({ lastModified }) => ageOf(lastModified, storageNow()) >= options.graceSeconds * 1000);
    const records = await ledger.findMany(old.flatMap(({ key }) => uploadIdOfStagedObject(stagingPrefix, key) ?? []));
    const clock = await ledger.ping();
    await mapLimited(old, parallel, (found) =>
      progress.runStep(() => handleStagedObject(sweep, found, records, clock), options.signal),
    );
  }
}

async function handleStagedObject(
  sweep: LedgerSweepRun,
  { key, size, lastModified }: Listed,
  records: ReadonlyMap<string, UploadRecord>,
  clock: number,
): Promise<Outcome> {
  const { storage, stagingPrefix, deployment, options, storageNow, completion, predicted } = sweep;
  const id = uploadIdOfStagedObject(stagingPrefix, key);
  if (id !== null && predicted.has(id)) return null;
  const record = id === null ? undefined : records.get(id);
  if (record && !ended.has(record.state)) {
    // An upload that waits for its next attempt, or for the operator, is left alone.
    if (waitsForCompletion(record)) return null;
    if (options.dryRun) return 'completed';
    return toSweepOutcome(await classifyCompletion(() => completion.completeRecord(record)));
  }
  // An object without a record belongs to the deployment in its key, which may have another ledger.
  if (!record && !deployment.isOwn(uploadIdOfStagingKey(stagingPrefix, key) ?? '')) return null;
  // The upload was granted before the ledger existed or after its last backup. Its receipt identifies it.
  if (!record && id !== null && (await hasReceipt(sweep, key, id))) {
    if (options.dryRun) return 'completed';
    return toSweepOutcome(await classifyCompletion(() => completion.completeObject(key)));
  }
  // Until its request has expired, an empty object prevents that request from storing anything.
  if (record && clock < record.abandonAt && completion.leavesPlaceholder(record)) {
    if (size === 0) return null;
    if (!options.dryRun) await completion.emptyStagingKey(record);
    return 'deleted';
  }
  // The key of a marker or a sidecar is no upload id. Both are kept until no request can need them any more.
  const keepMs = record ? 0 : id === null ? keepEndedMs : keepUnknownMs;
  if (ageOf(lastModified, storageNow()) < keepMs) return null;
  if (!options.dryRun) await storage.delete(key);
  return 'deleted';
}

function waitsForCompletion({ callback, leaseLeftMs, pendingCallback }: UploadRecord): boolean {
  if (leaseLeftMs > 0) return true;
  // An expired upload whose `onExpire` is waiting does not wait: its bytes have arrived late, and it continues.
  return pendingCallback === null && (callback.retryAt !== null || callback.parkedAt !== null);
}

async function hasReceipt({ storage, openReceipt }: LedgerSweep, key: string, uploadId: string): Promise<boolean> {
  const receipt = (await storage.head(key))?.metadata.waybill;
  return receipt !== undefined && openReceipt(receipt)?.claims.uploadId === uploadId;
}

/** Handles multipart uploads whose upload has ended, or that have no record. */
async function sweepMultiparts(sweep: LedgerSweepRun): Promise<void> {
  const { storage, ledger, stagingPrefix, options, progress } = sweep;
  for await (const page of multipartsOf(storage, stagingPrefix, options.signal)) {
    const records = await ledger.findMany(page.flatMap(({ key }) => uploadIdOfStagedObject(stagingPrefix, key) ?? []));
    await mapLimited(page, parallel, (found) => {
      const id = uploadIdOfStagedObject(stagingPrefix, found.key) ?? '';
      return progress.runStep(() => handleMultipart(sweep, found, records.get(id)), options.signal);
    });
  }
}

async function handleMultipart(
  { storage, stagingPrefix, deployment, options, storageNow, predicted }: LedgerSweepRun,
  { key, multipartId, initiated }: ListedMultipart,
  record: UploadRecord | undefined,
): Promise<Outcome> {
  if (record && predicted.has(record.uploadId)) return null;
  if (!record && !deployment.isOwn(uploadIdOfStagingKey(stagingPrefix, key) ?? '')) return null;
  const isOld = ageOf(initiated, storageNow()) >= keepUnknownMs;
  const isActive = record?.state === 'granted' || record?.state === 'completing';
  // The multipart upload was created twice when the response to the first request was lost.
  const isDuplicate = record?.multipartId != null && record.multipartId !== multipartId;
  const hasEnded = record && !isActive;
  if (!hasEnded && (!isOld || (isActive && !isDuplicate))) return null;
  if (!options.dryRun) await storage.abortMultipart(key, multipartId);
  return 'aborted';
}
