/**
 * The sweep: what nobody came back for. It completes what arrived and was never announced, tries callbacks again that threw,
 * gives up what will not come, frees parts at the storage, and removes what nobody needs. Any number may run at once, and
 * any may die: whatever one does, the next would do as well.
 */

import { WaybillError } from '../../protocol/index.ts';
import type { CompletionService } from '../completion/service.ts';
import type { Config } from '../config.ts';
import type { Emit } from '../events.ts';
import type { Grants } from '../grants/grants.ts';
import { describe } from '../shared/describe.ts';
import type { UploadStates } from '../state/create-state.ts';
import type { Ledger, Orphan } from '../state/ledger.ts';
import { createTally, type SweepOptions, type SweepReport } from './report.ts';
import { sweepRecords } from './with-ledger.ts';
import { sweepStorage } from './without-ledger.ts';

export type { SweepOptions, SweepReport } from './report.ts';

export interface SweepContext {
  config: Config;
  emit: Emit | undefined;
  grants: Pick<Grants, 'openReceipt'>;
}

const defaultGraceSeconds = 300;

/** @throws {WaybillError} when the storage cannot be listed, or the ledger does not answer */
export async function sweepUploads(
  { config, emit, grants }: SweepContext,
  completion: CompletionService,
  { markers, sidecars }: Pick<UploadStates, 'markers' | 'sidecars'>,
  given: SweepOptions = {},
): Promise<SweepReport> {
  const { storage, ledger, stagingPrefix, deployment, abandonAfterSeconds, now } = config;
  checkOptions(given, ledger !== undefined);
  const startedAt = now();
  const options = { ...given, graceSeconds: given.graceSeconds ?? defaultGraceSeconds };
  const tally = createTally(options.dryRun ?? false, (error) => emit?.('sweep.failed', { reason: describe(error) }));
  const { report } = tally;
  // What the storage dates is as old as the storage says (DESIGN section 7, 14).
  const storageNow = () => now() + storage.clockOffsetMs();
  const shared = { storage, grants, stagingPrefix, deployment, completion, storageNow, options, tally };
  try {
    if (ledger) await sweepRecords({ ...shared, ledger });
    else await sweepStorage({ ...shared, markers, sidecars, abandonAfterSeconds, now });
  } catch (error) {
    // Asked to stop: what was done counts.
    if (!options.signal?.aborted || error !== options.signal.reason) throw error;
  }
  report.durationMs = now() - startedAt;
  const { orphans, ...counts } = report;
  if (ledger && !report.dryRun) {
    const found = looksForOrphans(options) ? orphans : await lastOrphans(ledger);
    await ledger.recordSweep({ startedAt, endedAt: now(), report: counts, orphans: found });
  }
  emit?.('sweep.ended', { ...counts, orphans: orphans.length });
  return report;
}

function looksForOrphans({ orphans, deleteOrphans }: SweepOptions): boolean {
  return orphans === true || deleteOrphans === true;
}

/** A sweep that did not look for orphans knows of none and has refuted none. */
async function lastOrphans(ledger: Ledger): Promise<Orphan[]> {
  return (await ledger.lastSweep())?.orphans ?? [];
}

type Kind = 'boolean' | 'string' | 'object' | 'number';
const known: Readonly<Record<keyof SweepOptions, Kind>> = {
  dryRun: 'boolean',
  graceSeconds: 'number',
  orphans: 'boolean',
  orphanPrefix: 'string',
  deleteOrphans: 'boolean',
  signal: 'object',
};

function checkOptions(options: SweepOptions, hasLedger: boolean): void {
  for (const [name, value] of Object.entries(options)) {
    const kind = Object.hasOwn(known, name) ? known[name as keyof SweepOptions] : undefined;
    if (!kind) throw new WaybillError('config_invalid', `sweep() has an unknown option \`${name}\`.`);
    if (value !== undefined && typeof value !== kind)
      throw new WaybillError('config_invalid', `sweep() needs \`${name}\` to be a ${kind}.`);
  }
  const { graceSeconds } = options;
  if (graceSeconds !== undefined && !(Number.isSafeInteger(graceSeconds) && graceSeconds >= 0))
    throw new WaybillError('config_invalid', 'sweep() needs `graceSeconds` to be a whole number of seconds.');
  if (looksForOrphans(options) && !hasLedger)
    throw new WaybillError('config_invalid', 'Without a ledger nobody knows which objects are orphans.');
  if (options.orphanPrefix !== undefined && !looksForOrphans(options))
    throw new WaybillError('config_invalid', '`orphanPrefix` is for a sweep that looks for `orphans`.');
}
