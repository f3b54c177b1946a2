/** Decides whether and when to retry: exponential backoff with full jitter, and never earlier than `Retry-After`. */
import { isWaybillError } from '../protocol/index.ts';
import { isS3Error, isTransient } from './s3-error.ts';

const firstCeilingMs = 100;
const lastCeilingMs = 5_000;
/** If the storage asks for a longer wait, the request fails at once. */
const longestWaitMs = 30_000;

/** Returns null when the request must not be retried. `attemptNumber` begins with 1, and `random` is in [0, 1). */
export function storageRetryDelayMs(failure: unknown, attemptNumber: number, random: () => number): number | null {
  const isRefused = isS3Error(failure) && isTransient(failure);
  const isUnanswered = isWaybillError(failure) && failure.code === 'storage_unavailable';
  if (!isRefused && !isUnanswered) return null;
  const requestedMs = (failure.retryAfterSeconds ?? 0) * 1000;
  if (requestedMs > longestWaitMs) return null;
  return Math.max(requestedMs, random() * Math.min(lastCeilingMs, firstCeilingMs * 2 ** (attemptNumber - 1)));
}

/** Parses seconds or a date: RFC 9110 section 10.2.3. @param now milliseconds since the epoch */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - now) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}

/** Waits. @throws the signal's reason */
export function delay(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
