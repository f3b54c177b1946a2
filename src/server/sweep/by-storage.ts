/**
 * The sweep without a ledger: receipts on staged objects, sidecars beside parts, and markers tell how uploads stand. It
 * completes what arrived whole, aborts what was given up, and removes what can mean nothing any more. Whatever it removes is
 * hours older than any clock is wrong.
 */
import type { Storage } from '../../s3/types.ts';
import { mapLimited } from '../batch.ts';
import type { OpenedGrant } from '../grants.ts';
import type { Later } from '../later.ts';
import type { Sidecars } from '../sidecar.ts';
import { type Listed, type ListedMultipart, multipartsOf, pagesOf, uploadIdOf } from './listing.ts';
import { type Outcome, outcomeOf, type SweepOptions, type Tally } from './report.ts';

export interface StorageSweep {
  storage: Storage;
  sidecars: Sidecars;
  stagingPrefix: string;
  /** Parts of which nothing has been heard for this long are given up. */
  abandonAfterSeconds: number;
  later: Pick<Later, 'completeObject' | 'abort'>;
  now: () => number;
  options: SweepOptions & { graceSeconds: number };
  tally: Tally;
}

const parallel = 8;
/** An object without a receipt of ours. */
const garbageMs = 24 * 60 * 60_000;
/** Parts may be signed for seven days; what is remembered of their upload must outlive that. */
const keptMs = 8 * 24 * 60 * 60_000;

export async function sweepStorage(sweep: StorageSweep): Promise<void> {
  const { storage, stagingPrefix, options } = sweep;
  const unfinished = new Set<string>();
  for await (const page of multipartsOf(storage, stagingPrefix, options.signal)) {
    for (const { key } of page) unfinished.add(key);
    await mapLimited(page, parallel, (found) => sweep.tally.count(() => settleParts(sweep, found)));
  }
  for await (const page of pagesOf(storage, stagingPrefix, options.signal))
    await mapLimited(page, parallel, (found) => sweep.tally.count(() => settleObject(sweep, found, unfinished)));
}

async function settleParts(sweep: StorageSweep, found: ListedMultipart): Promise<Outcome> {
  const { storage, sidecars, later, options, stagingPrefix, now } = sweep;
  const age = now() - Date.parse(found.initiated);
  if (age < options.graceSeconds * 1000) return null;
  const uploadId = uploadIdOf(stagingPrefix, found.key);
  const opened = uploadId === null ? null : await sidecars.read(uploadId);
  if (opened && opened.claims.size !== null && (await isWhole(storage, opened, found))) {
    if (options.dryRun) return 'completed';
    const outcome = await outcomeOf(async () => (await later.completeObject(found.key)) ?? { completing: true });
    if (outcome !== 'absent') return outcome;
  }
  if (age < sweep.abandonAfterSeconds * 1000) return null;
  if (options.dryRun) return 'aborted';
  if (opened) {
    await outcomeOf(async () => {
      await later.abort({ ...opened, multipart: { multipartId: found.multipartId, expiresAt: 0 } });
      return {};
    });
  }
  await storage.abortMultipart(found.key, found.multipartId);
  return 'aborted';
}

async function isWhole(storage: Storage, { claims }: OpenedGrant, found: ListedMultipart): Promise<boolean> {
  const parts = await storage.listParts(found.key, found.multipartId);
  return parts !== null && parts.reduce((sum, { size }) => sum + size, 0) === claims.size;
}

async function settleObject(sweep: StorageSweep, found: Listed, unfinished: ReadonlySet<string>): Promise<Outcome> {
  const { storage, later, options, stagingPrefix, now } = sweep;
  const { key } = found;
  const age = now() - Date.parse(found.lastModified);
  if (age < options.graceSeconds * 1000) return null;
  if (uploadIdOf(stagingPrefix, key) !== null) {
    if (options.dryRun) return 'completed';
    const outcome = await outcomeOf(async () => (await later.completeObject(key)) ?? { completing: true });
    if (outcome !== null && outcome !== 'absent') return outcome;
    if (age < garbageMs) return null;
    // Somebody may be at it: only what carries no receipt of ours is garbage.
    if (outcome === null && (await storage.head(key))?.metadata.waybill !== undefined) return null;
  } else if (key.startsWith(`${stagingPrefix}.waybill/`)) {
    const parts = /\/([0-9a-f]{32})\.parts$/.exec(key)?.[1];
    const needed = parts !== undefined && unfinished.has(stagingPrefix + parts);
    if (needed || age < keptMs) return null;
  } else if (age < garbageMs) return null;
  if (!options.dryRun) await storage.delete(key);
  return 'deleted';
}
