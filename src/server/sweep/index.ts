/**
 * The sweep: what nobody came back for. It completes what arrived and was never announced, tries callbacks again that threw,
 * gives up what will not come, frees parts at the storage, and removes what nobody needs. Any number may run at once, and
 * any may die: whatever one does, the next would do as well.
 */
import { isWaybillError, WaybillError } from '../../protocol/index.ts';
import { describe } from '../describe.ts';
import type { Later } from '../later.ts';
import type { Room } from '../room.ts';
import type { Sidecars } from '../sidecar.ts';
import { sweepStorage } from './by-storage.ts';
import { sweepRecords } from './on-record.ts';
import { createTally, type SweepOptions, type SweepReport } from './report.ts';

export type { SweepOptions, SweepReport } from './report.ts';

const defaultGraceSeconds = 300;

/** @throws {WaybillError} when the storage cannot be listed, or the ledger does not answer */
export async function sweepUploads(
  { config, emit }: Pick<Room, 'config' | 'emit'>,
  later: Later,
  sidecars: Sidecars,
  given: SweepOptions = {},
): Promise<SweepReport> {
  const { storage, ledger, stagingPrefix, abandonAfterSeconds, now } = config;
  checkOptions(given, ledger !== undefined);
  const startedAt = now();
  const options = { ...given, graceSeconds: given.graceSeconds ?? defaultGraceSeconds };
  const tally = createTally(options.dryRun ?? false, (error) => emit?.('sweep.failed', { reason: describe(error) }));
  const { report } = tally;
  try {
    if (ledger) await sweepRecords({ storage, ledger, stagingPrefix, later, now, options, tally });
    else await sweepStorage({ storage, sidecars, stagingPrefix, abandonAfterSeconds, later, now, options, tally });
  } catch (error) {
    // Asked to stop: what was done counts.
    if (!options.signal?.aborted || isWaybillError(error)) throw error;
  }
  report.durationMs = now() - startedAt;
  if (ledger && !report.dryRun) {
    const { orphans, ...counts } = report;
    await ledger.recordSweep({ startedAt, endedAt: startedAt + report.durationMs, report: counts, orphans });
  }
  const { orphans, ...counts } = report;
  emit?.('sweep.ended', { ...counts, orphans: orphans.length });
  return report;
}

function checkOptions(options: SweepOptions, hasLedger: boolean): void {
  const known = new Set(['dryRun', 'graceSeconds', 'orphans', 'deleteOrphans', 'signal']);
  for (const name of Object.keys(options))
    if (!known.has(name)) throw new WaybillError('config_invalid', `sweep() has an unknown option \`${name}\`.`);
  const { graceSeconds } = options;
  if (graceSeconds !== undefined && !(Number.isSafeInteger(graceSeconds) && graceSeconds >= 0))
    throw new WaybillError('config_invalid', 'sweep() needs `graceSeconds` to be a whole number of seconds.');
  if ((options.orphans || options.deleteOrphans) && !hasLedger)
    throw new WaybillError('config_invalid', 'Without a ledger nobody knows which objects are orphans.');
}
