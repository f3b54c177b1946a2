/**
 * The connections that parts travel over: some to each host of the storage. Browsers open six to a host, so that a second
 * host doubles what a long round trip leaves unused; where the uplink itself is full it gains nothing, and is left alone.
 */
import type { JourneyContext } from '../journey.ts';
import type { Pool } from '../pool.ts';

export interface Lanes {
  /** The least busy one; count it as busy until `leave`. `host` is undefined for the usual one. */
  pick(): [lane: string, host: number | undefined];
  leave(lane: string): void;
  through<T>(lane: string, size: number, signal: AbortSignal, task: () => Promise<T>): Promise<T>;
  pool(lane: string): Pool;
  /** Requests at once over all lanes in use. */
  readonly width: number;
  sent(lane: string, bytes: number, ms: number): void;
  /** What one connection was seen to move; undefined at first. */
  bytesPerSecond(): number | undefined;
}

export function createLanes(context: JourneyContext, hosts: readonly string[]): Lanes {
  const busy = new Map<string, number>(hosts.map((host) => [host, 0]));
  const count = (lane: string, by: number) => busy.set(lane, (busy.get(lane) ?? 0) + by);
  let speed: number | undefined;
  return {
    width: context.concurrency * hosts.length,
    pick() {
      let best = hosts[0] as string;
      for (const host of hosts) if ((busy.get(host) ?? 0) < (busy.get(best) ?? 0)) best = host;
      count(best, 1);
      return [best, hosts.indexOf(best) || undefined];
    },
    leave: (lane) => count(lane, -1),
    through: (lane, size, signal, task) => context.lane(lane)(size, signal, task),
    pool: (lane) => context.lane(lane),
    sent(_, bytes, ms) {
      const now = (bytes * 1000) / Math.max(1, ms);
      speed = speed ? speed * 0.7 + now * 0.3 : now;
    },
    bytesPerSecond: () => speed,
  };
}
