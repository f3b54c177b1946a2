/** Repeats the sweep. With a ledger, one replica sweeps at a time. */
import { randomUUID } from 'node:crypto';
import { type Background, startBackground } from '../shared/background.ts';
import { unrefTimer } from '../shared/unref-timer.ts';
import type { Ledger } from '../state/ledger.ts';
import type { SweepOptions, SweepReport } from './report.ts';

export interface SweepLoopOptions extends Omit<SweepOptions, 'dryRun' | 'signal'> {
  /**
   * From the end of one sweep to the beginning of the next, in seconds, varied by a fifth because replicas start
   * together; 0: never. @default 60 @example 300
   */
  everySeconds?: number;
  /** With `orphans`: how often the whole bucket is listed, in seconds. @default 86_400 @example 604_800 */
  orphansEverySeconds?: number;
  /** The name of this replica in the lock, different from all others. @default a random one @example 'replica-1' */
  holder?: string;
  /** 0 <= n < 1, for jitter only. @default Math.random */
  random?: () => number;
  /** Called with what a sweep found and did. @default none @example (report) => console.log(report) */
  onReport?: (report: SweepReport) => void;
  /**
   * Called when a sweep or a delivery could not be finished. The next one tries again. @default ignored
   * @example console.error
   */
  onError?: (error: unknown) => void;
}

export interface SweptUploads {
  sweep(options?: SweepOptions): Promise<SweepReport>;
  readonly ledger: Ledger | undefined;
}

const lockName = 'sweep';
/** The lock is short and is renewed while a sweep runs, so that another replica can take over soon. */
const lockMs = 60_000;
/** The first sweep waits a little, because a process that has just started has more urgent work. */
const firstDelaySeconds = 5;

export function startSweepLoop(
  { sweep, ledger }: SweptUploads,
  {
    everySeconds = 60,
    orphansEverySeconds = 86_400,
    holder = randomUUID(),
    random = Math.random,
    onReport,
    onError,
    orphans = false,
    deleteOrphans = false,
    orphanPrefix,
    graceSeconds,
  }: SweepLoopOptions = {},
): Background {
  const orphanOptions = { orphans, deleteOrphans, ...(orphanPrefix === undefined ? {} : { orphanPrefix }) };
  const withJitter = (seconds: number) => seconds * 1000 * (0.8 + 0.4 * random());
  let orphansAt = Number.NEGATIVE_INFINITY;

  async function sweepOnce(signal: AbortSignal): Promise<void> {
    const orphansAreDue = (orphans || deleteOrphans) && performance.now() - orphansAt >= orphansEverySeconds * 1000;
    const report = await sweep({
      ...(graceSeconds === undefined ? {} : { graceSeconds }),
      ...(orphansAreDue ? orphanOptions : {}),
      signal,
    });
    if (orphansAreDue) orphansAt = performance.now();
    onReport?.(report);
  }

  async function sweepWithLock(lockingLedger: Ledger, signal: AbortSignal): Promise<void> {
    if (!(await lockingLedger.lock(lockName, holder, lockMs))) return;
    const renewal = setInterval(() => void lockingLedger.lock(lockName, holder, lockMs).catch(() => {}), lockMs / 3);
    unrefTimer(renewal);
    try {
      await sweepOnce(signal);
    } finally {
      clearInterval(renewal);
      await lockingLedger.unlock(lockName, holder);
    }
  }

  return startBackground((signal) => (ledger ? sweepWithLock(ledger, signal) : sweepOnce(signal)), {
    delayMs: () => withJitter(everySeconds),
    firstDelayMs: withJitter(Math.min(everySeconds, firstDelaySeconds)),
    onError,
  });
}
