/** Does something again and again until it is stopped. */
export interface Again {
  /** Resolves when what it was at is done. */
  stop(): Promise<void>;
}

export function again(
  pass: (signal: AbortSignal) => Promise<unknown>,
  { everySeconds, onError }: { everySeconds: number; onError: ((error: unknown) => void) | undefined },
): Again {
  const stopping = new AbortController();
  const { signal } = stopping;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();

  async function once(): Promise<void> {
    try {
      await pass(signal);
    } catch (error) {
      onError?.(error);
    }
    if (!signal.aborted) timer = setTimeout(start, everySeconds * 1000);
  }

  function start(): void {
    running = once();
  }

  start();
  return {
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await running;
    },
  };
}
