/** Decides whether and when to retry: exponential backoff with full jitter, and never earlier than `Retry-After`. */
import { isWaybillError } from '../protocol/index.ts';
import { isS3Error, isTransient } from './s3-error.ts';

const firstCeilingMs = 100;
const lastCeilingMs = 5_000;
/** If the storage asks for a longer wait, the request fails at once. */
const longestWaitMs = 30_000;

/** Returns null when the request must not be retried. `attempt` counts from 1, `random` is in [0, 1). */
export function storageRetryDelayMs(failure: unknown, attempt: number, random: () => number): number | null {
  const refused = isS3Error(failure) && isTransient(failure);
  const unanswered = isWaybillError(failure) && failure.code === 'storage_unavailable';
  if (!refused && !unanswered) return null;
  const askedMs = (failure.retryAfterSeconds ?? 0) * 1000;
  if (askedMs > longestWaitMs) return null;
  return Math.max(askedMs, random() * Math.min(lastCeilingMs, firstCeilingMs * 2 ** (attempt - 1)));
}

/** RFC 9110 section 10.2.3: seconds, or a date. `now` in milliseconds since the epoch. */
export function retryAfterSeconds(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - now) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}

/** @throws the signal's reason */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
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
