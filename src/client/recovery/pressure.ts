/** Less pressure on a storage or a server that is busy: pauses between attempts, and fewer requests at once. */
import type { WaybillError } from '../../protocol/index.ts';
import type { ClientContext } from '../context.ts';
import type { Pool } from '../pool.ts';
import type { Tools } from '../tools.ts';

const firstBackoffMs = 500;
const longestBackoffMs = 30_000;
/** Requests that fail together are one sign of trouble, not six. */
const easeEveryMs = 1000;

export function backOff(
  tools: Tools,
  { random }: ClientContext,
  failures: number,
  { retryAfterSeconds }: WaybillError,
  signal: AbortSignal,
): Promise<void> {
  const ms = Math.min(longestBackoffMs, firstBackoffMs * 2 ** failures) * random();
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
