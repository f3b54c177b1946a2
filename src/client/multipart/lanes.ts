/**
 * The connections that parts travel over: some to each host of the storage. Browsers open six to a host, so that a second
 * host doubles what a long round trip leaves unused. Where the uplink itself is full it gains nothing, and takes room from
 * others: after a while the usual host is tried alone, and stays alone where it is as fast.
 */
import type { JourneyContext } from '../journey.ts';
import type { Pool } from '../pool.ts';

export interface Lanes {
  /** The least busy one in use; count it as busy until `leave`. `host` is undefined for the usual one. */
  pick(): [lane: string, host: number | undefined];
  leave(lane: string): void;
  through<T>(lane: string, size: number, signal: AbortSignal, task: () => Promise<T>): Promise<T>;
  pool(lane: string): Pool;
  /** Requests at once over all lanes. */
  readonly width: number;
  /** A part has arrived. */
  sent(bytes: number, ms: number): void;
  /** What one connection was seen to move; undefined at first. */
  bytesPerSecond(): number | undefined;
}

/** Trying costs half of the speed where the second host is of use: not before an upload is known to be long. */
const firstTryMs = 10_000;
/** How much longer to wait after each try that changed nothing. */
const patience = 4;
/** Share of the speed over all hosts at which the usual one alone is as good. */
const asFast = 0.9;
/** Networks change: then all hosts are used again. */
const aloneMs = 120_000;

export function createLanes(context: JourneyContext, hosts: readonly string[]): Lanes {
  const { concurrency, now } = context;
  const busy = new Map<string, number>(hosts.map((host) => [host, 0]));
  const count = (lane: string, by: number) => busy.set(lane, (busy.get(lane) ?? 0) + by);
  const width = concurrency * hosts.length;
  let speed: number | undefined;
  let inUse = hosts;
  let since = now();
  let stayMs = firstTryMs;
  let tryMs = firstTryMs;
  /** Of all connections together, over all hosts, before the usual one was tried alone. */
  let wide = 0;
  let seen = 0;
  let sum = 0;

  function use(next: readonly string[], forMs: number): void {
    inUse = next;
    since = now();
    stayMs = forMs;
    seen = sum = 0;
  }

  function judge(bytesPerMs: number): void {
    const connections = concurrency * inUse.length;
    // The first round began before the change.
    if (++seen <= width) return;
    sum += bytesPerMs;
    const measured = seen - width;
    if (measured < connections) return;
    const together = (sum / measured) * connections;
    if (now() - since < stayMs) return;
    if (inUse === hosts) {
      wide = together;
      use(hosts.slice(0, 1), 0);
    } else if (stayMs) use(hosts, tryMs);
    else if (together >= wide * asFast) use(inUse, aloneMs);
    else {
      tryMs *= patience;
      use(hosts, tryMs);
    }
  }

  return {
    width,
    pick() {
      let best = inUse[0] as string;
      for (const host of inUse) if ((busy.get(host) ?? 0) < (busy.get(best) ?? 0)) best = host;
      count(best, 1);
      return [best, hosts.indexOf(best) || undefined];
    },
    leave: (lane) => count(lane, -1),
    through: (lane, size, signal, task) => context.lane(lane)(size, signal, task),
    pool: (lane) => context.lane(lane),
    sent(bytes, ms) {
      const bytesPerMs = bytes / Math.max(1, ms);
      speed = speed ? speed * 0.7 + bytesPerMs * 0.3 : bytesPerMs;
      if (hosts.length > 1) judge(bytesPerMs);
    },
    bytesPerSecond: () => speed && speed * 1000,
  };
}
