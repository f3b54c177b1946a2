/**
 * A promise that an abort rejects with the signal's reason.
 *
 * @param start gets the function that resolves the promise
 * @param undo ends what `start` began, when the abort comes first
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
      // Node warns of a leak at the eleventh listener, and an upload may wait more often than that.
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
