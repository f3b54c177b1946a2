/** Repeats the sweep; with a ledger, one replica at a time. */
import { randomUUID } from 'node:crypto';
import type { Ledger } from '../state/ledger.ts';
import type { SweepOptions, SweepReport } from './report.ts';

export interface SweepingOptions extends Omit<SweepOptions, 'dryRun' | 'signal'> {
  /** Seconds from the end of a sweep to the start of the next, varied by up to 20 %. @default 60 */
  everySeconds?: number;
  /** With `orphans`: how often the whole bucket is listed, in seconds. @default 86_400 @example 604_800 */
  orphansEverySeconds?: number;
  /**
   * With a ledger, one replica sweeps at a time. Without one every replica does, which is harmless. `startUpkeep` takes
   * the one of `uploads`. @default none @example ledger
   */
  ledger?: Ledger;
  /** The name of this replica in the lock, different from all others. @default a random one @example 'replica-1' */
  holder?: string;
  /** 0 <= n < 1, for jitter only. @default Math.random */
  random?: () => number;
  /** Called with what a sweep found and did. @default none @example (report) => console.log(report) */
  onReport?: (report: SweepReport) => void;
  /** Called when a sweep could not be finished. The next one tries again. @default ignored @example console.error */
  onError?: (error: unknown) => void;
}

export interface Sweeping {
  /** Stops the loop. Resolves when the running sweep has ended. */
  stop(): Promise<void>;
}

const lockName = 'sweep';
/** Longer than a sweep should take. The lock is renewed during a sweep. */
const lockMs = 60_000;

/**
 * @example
 * const sweeping = startSweeping(uploads, { ledger, everySeconds: 60 });
 * process.once('SIGTERM', () => sweeping.stop());
 */
export function startSweeping(
  uploads: { sweep(options?: SweepOptions): Promise<SweepReport> },
  {
    everySeconds = 60,
    orphansEverySeconds = 86_400,
    ledger,
    holder = randomUUID(),
    random = Math.random,
    onReport,
    onError,
    orphans = false,
    deleteOrphans = false,
    orphanPrefix,
    ...options
  }: SweepingOptions = {},
): Sweeping {
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  let orphansAt = Number.NEGATIVE_INFINITY;
  const forOrphans = { orphans, deleteOrphans, ...(orphanPrefix === undefined ? {} : { orphanPrefix }) };

  async function pass(): Promise<void> {
    try {
      if (ledger && !(await ledger.lock(lockName, holder, lockMs))) return;
      const keeping = setInterval(() => void ledger?.lock(lockName, holder, lockMs).catch(() => {}), lockMs / 3);
      keeping.unref();
      try {
        const whole = (orphans || deleteOrphans) && performance.now() - orphansAt >= orphansEverySeconds * 1000;
        const report = await uploads.sweep({
          ...options,
          ...(whole ? forOrphans : {}),
          signal: stopping.signal,
        });
        if (whole) orphansAt = performance.now();
        onReport?.(report);
      } finally {
        clearInterval(keeping);
        await ledger?.unlock(lockName, holder);
      }
    } catch (error) {
      onError?.(error);
    }
  }

  function schedule(inSeconds: number): void {
    if (stopping.signal.aborted) return;
    timer = setTimeout(
      () => {
        running = pass().finally(() => schedule(everySeconds));
      },
      inSeconds * 1000 * (0.8 + 0.4 * random()),
    );
  }

  // The first sweep waits, because a process that starts has more urgent work.
  schedule(Math.min(everySeconds, 5));
  return {
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await running;
    },
  };
}
