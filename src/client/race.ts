/**
 * A promise that an abort ends, with the signal's reason.
 *
 * @param start keeps the function that resolves it
 * @param undo what `start` began, when the abort comes first
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
      // Node warns of a leak at the eleventh listener, and one upload may wait oftener than that.
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
