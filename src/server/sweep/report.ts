/** The report of a sweep: what it did, or what it would have done in a dry run. */
import type { Orphan } from '../state/ledger.ts';

export interface SweepOptions {
  /** Report what a sweep would do, and change nothing. @default false @example true */
  dryRun?: boolean;
  /**
   * A file that arrived in staging is completed when its client has not done so for this long, in seconds. @default 300
   * @example 60
   */
  graceSeconds?: number;
  /**
   * Also list the whole bucket, and report the objects that no upload on record accounts for. Needs a ledger. @default
   * false @example true
   */
  orphans?: boolean;
  /** List only the keys below this prefix. @default '' (the whole bucket) @example 'avatars/' */
  orphanPrefix?: string;
  /**
   * Delete these objects where they carry the mark of an upload; with `orphanPrefix` every one of them below it. Files
   * from before there was a ledger are such objects: look at the report first. @default false @example true
   */
  deleteOrphans?: boolean;
  /** Ends the sweep after the upload that it is working on. @default none @example AbortSignal.timeout(60_000) */
  signal?: AbortSignal;
}

export interface SweepReport {
  dryRun: boolean;
  /** Uploads, staged objects, multipart uploads and records that were examined. */
  looked: number;
  /** Uploads that had arrived and were completed. */
  completed: number;
  /** Uploads whose object was not what was granted. */
  rejected: number;
  /** Uploads that expired: nothing had arrived, and their client was inactive. Their quota is free again. */
  expired: number;
  /** Multipart uploads that were aborted at the storage. */
  aborted: number;
  /** Callbacks that ran again and threw again. */
  callbacksFailed: number;
  /** Objects in staging that were deleted because they are no longer needed. */
  deleted: number;
  /** Records of uploads that ended long ago. */
  forgotten: number;
  /** Objects without an upload on record, at most 1,000. */
  orphans: Orphan[];
  /** Uploads and objects that could not be examined or changed. The next sweep tries again. */
  failed: number;
  durationMs: number;
}

export type Outcome =
  | 'completed'
  | 'rejected'
  | 'expired'
  | 'aborted'
  | 'callbacksFailed'
  | 'deleted'
  | 'failed'
  | null;

/** Runs the steps of one sweep and fills its report. */
export interface SweepProgress {
  readonly report: SweepReport;
  /**
   * Runs one step and counts its outcome. A step that throws counts as failed, and the sweep continues. After `signal`
   * has been aborted, no step runs.
   */
  runStep(work: () => Promise<Outcome>, signal?: AbortSignal): Promise<Outcome>;
  addOrphan(orphan: Orphan): void;
}

const maxOrphans = 1000;

export function createSweepProgress(dryRun: boolean, reportError: (error: unknown) => void): SweepProgress {
  const report: SweepReport = {
    dryRun,
    looked: 0,
    completed: 0,
    rejected: 0,
    expired: 0,
    aborted: 0,
    callbacksFailed: 0,
    deleted: 0,
    forgotten: 0,
    orphans: [],
    failed: 0,
    durationMs: 0,
  };
  return {
    report,
    async runStep(work, signal) {
      if (signal?.aborted) return null;
      report.looked += 1;
      let outcome: Outcome;
      try {
        outcome = await work();
      } catch (error) {
        outcome = 'failed';
        reportError(error);
      }
      if (outcome) report[outcome] += 1;
      return outcome;
    },
    addOrphan(orphan) {
      if (report.orphans.length < maxOrphans) report.orphans.push(orphan);
    },
  };
}

/** The outcome of a step whose completion found no bytes, or no route or record, and so changed nothing, is null. */
export function toSweepOutcome(outcome: Outcome | 'absent' | 'unknown'): Outcome {
  return outcome === 'absent' || outcome === 'unknown' ? null : outcome;
}
