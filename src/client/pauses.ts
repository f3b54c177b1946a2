/** Waiting that an abort ends. */

export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout>;
  return settled(
    new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    }),
    signal,
  ).finally(() => clearTimeout(timer));
}

/** The promise, or the signal's reason if that comes first. Leaves no listener behind. */
export function settled<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop: () => void;
  return new Promise<T>((resolve, reject) => {
    stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop);
    promise.then(resolve, reject);
  }).finally(() => signal.removeEventListener('abort', stop));
}
