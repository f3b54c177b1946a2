/**
 * The sweep of a ledger. What is due is on record; what lies in staging is compared with the record; and where it is asked
 * for, so is the whole bucket. It decides nothing by the clock of this process but when to look.
 */
import type { Storage } from '../../s3/types.ts';
import { mapLimited } from '../batch.ts';
import type { Later } from '../later.ts';
import type { Ledger, UploadRecord } from '../ledger.ts';
import { type ListedMultipart, multipartsOf, pagesOf, uploadIdOf } from './listing.ts';
import { type Outcome, outcomeOf, type SweepOptions, type Tally } from './report.ts';

export interface RecordedSweep {
  storage: Storage;
  ledger: Ledger;
  stagingPrefix: string;
  later: Pick<Later, 'completeRecord' | 'completeObject'>;
  now: () => number;
  options: SweepOptions & { graceSeconds: number };
  tally: Tally;
}

const parallel = 8;
const batch = 100;
/** One pass ends some time: what is left is due in the next. */
const mostBatches = 1000;
const lookAgainMs = { once: 10 * 60_000, byParts: 60 * 60_000, failed: 60_000 };
/** Whatever has no record and is older is garbage: records are written before anything is signed. */
const garbageMs = 60 * 60_000;
const orphanMs = 24 * 60 * 60_000;
/** Records of uploads that ended without a file, and the objects with which storages remembered before there was a ledger. */
const keptMs = 30 * 24 * 60 * 60_000;
const ended: ReadonlySet<string> = new Set(['completed', 'rejected', 'aborted', 'deleted']);

export async function sweepRecords(sweep: RecordedSweep): Promise<void> {
  await sweepDue(sweep);
  await sweepStaging(sweep);
  await sweepParts(sweep);
  if (sweep.options.orphans || sweep.options.deleteOrphans) await sweepBucket(sweep);
  if (!sweep.options.dryRun) sweep.tally.report.forgotten = await sweep.ledger.forget(keptMs, 10_000);
}

async function sweepDue({ ledger, options, tally, ...sweep }: RecordedSweep): Promise<void> {
  const seen = new Set<string>();
  for (let n = 0; n < mostBatches; n += 1) {
    options.signal?.throwIfAborted();
    const clock = await ledger.ping();
    const due = (await ledger.due(batch)).filter(({ uploadId }) => !seen.has(uploadId));
    if (due.length === 0) return;
    for (const { uploadId } of due) seen.add(uploadId);
    await mapLimited(due, parallel, async (record) => {
      const outcome = await tally.count(() => settle({ ...sweep, ledger, options, tally }, record, clock));
      // What is due and stays as it is would be all that the next look finds.
      if (outcome === 'failed' && !options.dryRun)
        await ledger.lookAgain(record.uploadId, lookAgainMs.failed).catch(() => {});
    });
    // Nothing changes in a dry run: one look shows them.
    if (options.dryRun) return;
  }
}

async function settle(sweep: RecordedSweep, record: UploadRecord, clock: number): Promise<Outcome> {
  const { ledger, later, options } = sweep;
  const { uploadId, partSize, abandonAt, state } = record;
  const over = clock >= abandonAt;
  if (options.dryRun) return (await hasArrived(sweep, record)) ? 'completed' : over ? 'expired' : null;
  const outcome = await outcomeOf(() => later.completeRecord(record));
  if (outcome !== 'absent') return outcome;
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
  await freeParts(sweep, record);
  return 'expired';
}

/** For a dry run, which may not complete to find out. */
async function hasArrived({ storage, stagingPrefix }: RecordedSweep, record: UploadRecord): Promise<boolean> {
  const key = stagingPrefix + record.uploadId;
  if (record.transfer === 'none') return (await storage.head(record.key)) !== null;
  if ((await storage.head(key)) !== null) return true;
  const { multipartId, size, partSize } = record;
  if (multipartId === null || size === null || partSize === null) return false;
  const parts = await storage.listParts(key, multipartId);
  return parts !== null && parts.reduce((sum, part) => sum + part.size, 0) === size;
}

async function freeParts({ storage, stagingPrefix, tally }: RecordedSweep, record: UploadRecord): Promise<void> {
  const { uploadId, multipartId } = record;
  if (multipartId === null) return;
  await tally.count(async () => {
    await storage.abortMultipart(stagingPrefix + uploadId, multipartId);
    return 'aborted';
  });
}

/** Objects that arrived and were not announced, that came again under an unexpired URL, or that nobody granted. */
async function sweepStaging(sweep: RecordedSweep): Promise<void> {
  const { storage, ledger, stagingPrefix, options, tally, now, later } = sweep;
  for await (const page of pagesOf(storage, stagingPrefix, options.signal)) {
    const old = page.filter(({ lastModified }) => now() - Date.parse(lastModified) >= options.graceSeconds * 1000);
    const ids = old.flatMap(({ key }) => uploadIdOf(stagingPrefix, key) ?? []);
    const records = await ledger.findMany(ids);
    await mapLimited(old, parallel, ({ key, lastModified }) =>
      tally.count(async () => {
        const age = now() - Date.parse(lastModified);
        const id = uploadIdOf(stagingPrefix, key);
        const record = id === null ? undefined : records.get(id);
        if (record && !ended.has(record.state)) {
          if (options.dryRun) return 'completed';
          // One that waits for its callback, or for an operator, is not to be hurried.
          if (record.callback.retryAt !== null || record.callback.parkedAt !== null) return null;
          const outcome = await outcomeOf(() => later.completeRecord(record));
          return outcome === 'absent' ? null : outcome;
        }
        if (!record && id !== null && !options.dryRun) {
          const adopted = await outcomeOf(async () => (await later.completeObject(key)) ?? { completing: true });
          if (adopted !== null && adopted !== 'absent') return adopted;
        }
        // Without a record: what the storage remembered by itself goes when nothing can need it any more.
        const kept = record ? 0 : id === null ? keptMs : garbageMs;
        if (age < kept) return null;
        if (!options.dryRun) await storage.delete(key);
        return 'deleted';
      }),
    );
  }
}

/** Parts of uploads that have ended, or that nobody granted. */
async function sweepParts(sweep: RecordedSweep): Promise<void> {
  const { storage, ledger, stagingPrefix, options, tally, now } = sweep;
  for await (const page of multipartsOf(storage, stagingPrefix, options.signal)) {
    const records = await ledger.findMany(page.flatMap(({ key }) => uploadIdOf(stagingPrefix, key) ?? []));
    await mapLimited(page, parallel, (found: ListedMultipart) =>
      tally.count(async () => {
        const record = records.get(uploadIdOf(stagingPrefix, found.key) ?? '');
        const stale = record
          ? record.state !== 'granted' && record.state !== 'completing'
          : ageOf(found, now()) >= garbageMs;
        // One that began twice (its answer was lost) has one set of parts too many.
        const twin = record?.multipartId != null && record.multipartId !== found.multipartId;
        if (!stale && !(twin && ageOf(found, now()) >= garbageMs)) return null;
        if (!options.dryRun) await storage.abortMultipart(found.key, found.multipartId);
        return 'aborted';
      }),
    );
  }
}

function ageOf({ initiated }: ListedMultipart, now: number): number {
  return now - Date.parse(initiated);
}

/** Everything there is outside of staging, against every key that an upload has. */
async function sweepBucket({ storage, ledger, stagingPrefix, options, tally, now }: RecordedSweep): Promise<void> {
  const remove = options.deleteOrphans === true && options.dryRun !== true;
  for await (const page of pagesOf(storage, '', options.signal)) {
    const old = page.filter(
      ({ key, lastModified }) => !key.startsWith(stagingPrefix) && now() - Date.parse(lastModified) >= garbageMs,
    );
    tally.report.looked += old.length;
    const used = await ledger.keysInUse(old.map(({ key }) => key));
    for (const { key, size, lastModified } of old) {
      if (used.has(key)) continue;
      if (remove) await tally.count(() => storage.delete(key).then(() => 'deleted'));
      tally.orphan({ key, kind: 'object', size, multipartId: null, since: lastModified, removed: remove });
    }
  }
  for await (const page of multipartsOf(storage, '', options.signal)) {
    const old = page.filter((one) => !one.key.startsWith(stagingPrefix) && ageOf(one, now()) >= orphanMs);
    tally.report.looked += old.length;
    for (const { key, multipartId, initiated } of old) {
      if (remove) await tally.count(() => storage.abortMultipart(key, multipartId).then(() => 'aborted'));
      tally.orphan({ key, kind: 'multipart', size: null, multipartId, since: initiated, removed: remove });
    }
  }
}
