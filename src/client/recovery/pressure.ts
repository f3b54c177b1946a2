/** Reduces the load on a busy storage or server: pauses between attempts, and fewer requests at once. */
import type { WaybillError } from '../../protocol/index.ts';
import type { ClientContext } from '../context.ts';
import type { Pool } from '../pool.ts';
import type { Tools } from '../tools.ts';

const firstBackoffMs = 500;
const maxBackoffMs = 30_000;
/** Requests that fail at the same time have one cause, so they lower the limit only once. */
const easeEveryMs = 1000;

export function backOff(
  tools: Tools,
  { random }: ClientContext,
  failures: number,
  { retryAfterSeconds }: WaybillError,
  signal: AbortSignal,
): Promise<void> {
  const ms = Math.min(maxBackoffMs, firstBackoffMs * 2 ** failures) * random();
  return sleep(tools, (retryAfterSeconds || 0) * 1000 + ms, signal);
}

/** Halves the limit of a pool. The pool itself raises it again with each success (additive increase). */
export function easePool(pool: Pool, { now }: Pick<ClientContext, 'now'>): void {
  if (now() - (pool.easedAt ?? Number.NEGATIVE_INFINITY) < easeEveryMs) return;
  pool.easedAt = now();
  pool.limit = Math.max(1, pool.limit / 2);
}

export function sleep({ race }: Tools, ms: number, signal: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout>;
  return race<void>(
    signal,
    (resolve) => {
      timer = setTimeout(resolve, ms);
    },
    () => clearTimeout(timer),
  );
}
