const firstMs = 10_000;
const longestMs = 3_600_000;
const most = 12;

/**
 * How long the sweep waits after a callback failed for the nth time: 10 s, doubled up to an hour, three and a half hours in all.
 * Null parks it: an operator, or the client that asks again, decides.
 */
export function callbackRetryMs(attempts: number): number | null {
  return attempts >= most ? null : Math.min(longestMs, firstMs * 2 ** (attempts - 1));
}
