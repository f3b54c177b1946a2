/**
 * Creates a promise that is rejected with the signal's reason when the signal aborts.
 *
 * @param start gets the function that resolves the promise
 * @param undo called when the signal aborts first: ends what `start` began
 */
export function race<T>(
  signal: AbortSignal,
  start: (resolve: (value: T) => void) => void,
  undo?: () => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      undo?.();
      reject(signal.reason);
    };
    signal.addEventListener('abort', stop);
    start((value) => {
      // Node warns of a leak when a signal has eleven listeners, and an upload may wait more often than that.
      signal.removeEventListener('abort', stop);
      resolve(value);
    });
  });
}

export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
