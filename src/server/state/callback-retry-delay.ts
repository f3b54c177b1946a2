const firstMs = 10_000;
const maxDelayMs = 3_600_000;
const maxCallbackRuns = 12;

/**
 * Milliseconds that the sweep waits after a callback has failed for the nth time: 10 s, doubled up to an hour, three
 * and a half hours in all. Null parks the callback: the upload waits for an operator, or for its client to complete it
 * again.
 */
export function callbackRetryDelayMs(attempts: number): number | null {
  return attempts >= maxCallbackRuns ? null : Math.min(maxDelayMs, firstMs * 2 ** (attempts - 1));
}
