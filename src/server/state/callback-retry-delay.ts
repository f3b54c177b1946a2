const firstMs = 10_000;
const longestMs = 3_600_000;
const maxAttempts = 12;

/**
 * Milliseconds that the sweep waits after a callback has failed for the nth time: 10 s, doubled up to an hour, three
 * and a half hours in all. Null parks the upload: it waits for an operator, or for its client to ask again.
 */
export function callbackRetryDelayMs(attempts: number): number | null {
  return attempts >= maxAttempts ? null : Math.min(longestMs, firstMs * 2 ** (attempts - 1));
}
