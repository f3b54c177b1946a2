/** The sweep again and again, by one replica at a time. */
import { randomUUID } from 'node:crypto';
import type { Ledger } from '../ledger.ts';
import type { SweepOptions, SweepReport } from './report.ts';

export interface SweepingOptions extends Omit<SweepOptions, 'dryRun' | 'signal'> {
  /** From the end of one to the beginning of the next. @default 60 */
  everySeconds?: number;
  /** With one, one replica sweeps at a time; without, each does, which does no harm. */
  ledger?: Ledger;
  /** Tells this replica from others. @default a random one */
  holder?: string;
  onReport?: (report: SweepReport) => void;
  onError?: (error: unknown) => void;
}

export interface Sweeping {
  /** Resolves when what it was at is done. */
  stop(): Promise<void>;
}

const lockName = 'sweep';
/** Longer than one pass should take: it is renewed while one goes on. */
const lockMs = 60_000;

/**
 * @example
 * const sweeping = startSweeping(uploads, { ledger, everySeconds: 60 });
 * process.once('SIGTERM', () => sweeping.stop());
 */
export function startSweeping(
  uploads: { sweep(options?: SweepOptions): Promise<SweepReport> },
  { everySeconds = 60, ledger, holder = randomUUID(), onReport, onError, ...options }: SweepingOptions = {},
): Sweeping {
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();

  async function pass(): Promise<void> {
    try {
      if (ledger && !(await ledger.lock(lockName, holder, lockMs))) return;
      const keeping = setInterval(() => void ledger?.lock(lockName, holder, lockMs).catch(() => {}), lockMs / 3);
      keeping.unref();
      try {
        const report = await uploads.sweep({ ...options, signal: stopping.signal });
        onReport?.(report);
      } finally {
        clearInterval(keeping);
        await ledger?.unlock(lockName, holder);
      }
    } catch (error) {
      onError?.(error);
    }
  }

  function schedule(inMs: number): void {
    if (stopping.signal.aborted) return;
    timer = setTimeout(() => {
      running = pass().finally(() => schedule(everySeconds * 1000));
    }, inMs);
  }

  // Not at once: a process that starts has more urgent things to do.
  schedule(Math.min(everySeconds, 5) * 1000);
  return {
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await running;
    },
  };
}
