/**
 * The sweep ends the uploads that their clients have abandoned: it completes files that have arrived, repeats callbacks
 * that threw, records uploads as expired whose bytes have not arrived, aborts multipart uploads, and deletes what is no
 * longer needed. Any number of sweeps may run at once, and the process of a sweep may end at any time, because the next
 * sweep does the same work.
 */
import { WaybillError } from '../../protocol/index.ts';
import { booleanRule, checkOptions, isObject, isWholeNumber, type OptionTable } from '../../protocol/internal.ts';
import type { CompletionService } from '../completion/service.ts';
import type { Config } from '../config.ts';
import type { Emit } from '../events.ts';
import { describe } from '../shared/describe.ts';
import type { OpenReceipt } from '../state/claims.ts';
import type { ChooseEffects } from '../state/end-effects.ts';
import type { Ledger, Orphan } from '../state/ledger.ts';
import type { UploadStates } from '../state/upload-states.ts';
import { createSweepProgress, type SweepOptions, type SweepReport } from './report.ts';
import { sweepRecords } from './with-ledger.ts';
import { sweepStorage } from './without-ledger.ts';

export type { SweepOptions, SweepReport } from './report.ts';

export interface SweepContext {
  config: Config;
  emit: Emit | undefined;
  openReceipt: OpenReceipt;
  effects: ChooseEffects;
  states: Pick<UploadStates, 'read' | 'findGrant'>;
  completion: CompletionService;
}

const defaultGraceSeconds = 300;

/** @throws {WaybillError} when the storage cannot be listed, or the ledger does not answer */
export async function sweepUploads(
  { config, emit, openReceipt, effects, states, completion }: SweepContext,
  given: SweepOptions = {},
): Promise<SweepReport> {
  const { storage, ledger, stagingPrefix, deployment, abandonAfterSeconds, keepAuditDays, now } = config;
  checkSweepOptions(given, ledger !== undefined);
  const startedAt = now();
  const options = { ...given, graceSeconds: given.graceSeconds ?? defaultGraceSeconds };
  const progress = createSweepProgress(options.dryRun ?? false, (error) =>
    emit?.('sweep.failed', { reason: describe(error) }),
  );
  const { report } = progress;
  // Ages of objects are measured by the clock of the storage, which wrote their dates.
  const storageNow = () => now() + storage.clockOffsetMs();
  const shared = { storage, openReceipt, stagingPrefix, deployment, completion, storageNow, options, progress };
  try {
    if (ledger) await sweepRecords({ ...shared, ledger, effects, emit, keepAuditDays });
    else await sweepStorage({ ...shared, states, abandonAfterSeconds, now });
  } catch (error) {
    // After a stop, the report contains what was done.
    if (!options.signal?.aborted || error !== options.signal.reason) throw error;
  }
  report.durationMs = now() - startedAt;
  const { orphans, ...counts } = report;
  if (ledger && !report.dryRun) {
    const found = looksForOrphans(options) ? orphans : await readLastOrphans(ledger);
    await ledger.recordSweep({ startedAt, endedAt: now(), report: counts, orphans: found });
  }
  emit?.('sweep.ended', { ...counts, orphans: orphans.length });
  return report;
}

function looksForOrphans({ orphans, deleteOrphans }: SweepOptions): boolean {
  return orphans === true || deleteOrphans === true;
}

/** A sweep that did not look for orphans keeps those that an earlier sweep has recorded. */
async function readLastOrphans(ledger: Ledger): Promise<Orphan[]> {
  return (await ledger.lastSweep())?.orphans ?? [];
}

const sweepOptions: OptionTable<SweepOptions> = {
  dryRun: booleanRule,
  graceSeconds: { expected: 'a whole number of seconds', isValid: isWholeNumber(0, Number.MAX_SAFE_INTEGER) },
  orphans: booleanRule,
  orphanPrefix: { expected: 'a string', isValid: (value) => typeof value === 'string' },
  deleteOrphans: booleanRule,
  signal: { expected: 'an AbortSignal', isValid: isObject },
};

function checkSweepOptions(options: SweepOptions, hasLedger: boolean): void {
  checkOptions('sweep()', options, sweepOptions);
  if (looksForOrphans(options) && !hasLedger)
    throw new WaybillError(
      'config_invalid',
      'sweep() needs a ledger to find orphans: only a ledger lists all uploads.',
    );
  if (options.orphanPrefix !== undefined && !looksForOrphans(options))
    throw new WaybillError('config_invalid', 'sweep() takes `orphanPrefix` only together with `orphans`.');
}
