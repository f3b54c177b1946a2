/** Work that is repeated until it is stopped: the sweep, the delivery of webhooks, a queue that is polled. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface Background {
  /** Starts no further pass, and resolves when the current one has ended. */
  stop(): Promise<void>;
}

export interface BackgroundOptions {
  /** Milliseconds until the next pass. `failures` counts the passes that have failed since the last success. */
  delayMs: (failures: number) => number;
  /** Milliseconds until the first pass. @default 0 */
  firstDelayMs?: number;
  /** Whether this error ends the work, because no further pass can succeed. @default never */
  isFinal?: (error: unknown) => boolean;
  /** Called when a pass failed, but not for errors after `stop()`, which `stop()` may have caused. */
  onError: ((error: unknown) => void) | undefined;
}

/** @param pass works once; `stop()` aborts its signal */
export function startBackground(
  pass: (signal: AbortSignal) => Promise<unknown>,
  { delayMs, firstDelayMs = 0, isFinal = () => false, onError }: BackgroundOptions,
): Background {
  const stopping = new AbortController();
  const { signal } = stopping;

  function report(error: unknown): void {
    try {
      onError?.(error);
    } catch {
      // A listener that throws must not end the work.
    }
  }

  async function run(): Promise<void> {
    let failures = 0;
    let waitMs = firstDelayMs;
    for (;;) {
      if (waitMs > 0) await sleep(waitMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      try {
        await pass(signal);
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        report(error);
        if (isFinal(error)) return;
      }
      waitMs = delayMs(failures);
    }
  }

  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
