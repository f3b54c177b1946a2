/**
 * Decides which host of the storage a part is sent to. Browsers open six connections to a host. With a long round trip,
 * six connections do not fill the line, and a second host doubles their number. Where the line is full, a second host
 * gains nothing and takes bandwidth from others. Therefore the first host is tried alone after a while, and stays alone
 * where it is as fast.
 */
import type { Pool } from '../pool.ts';

export interface Host {
  origin: string;
  /** The index in the route's list. Undefined for the first host, which is the server's default. */
  index: number | undefined;
}

export interface HostChoice {
  /** Returns the host with the fewest parts. The part counts until `release`. */
  pick(): Host;
  release(host: Host): void;
  connections(host: Host): Pool;
  /** Requests at once over all hosts. */
  readonly maxRequests: number;
  /** Called when a part has arrived. */
  recordPart(bytes: number, ms: number): void;
  /** The measured speed of one connection; undefined at first. */
  bytesPerSecond(): number | undefined;
}

/** A trial costs half of the speed where the second host helps, so it waits until the upload is known to be long. */
const firstTrialMs = 10_000;
/** After each trial that changed nothing, the wait before the next trial is longer by this factor. */
const trialGrowth = 4;
/** The first host stays alone when it reaches at least this share of the speed of all hosts. */
const sameSpeed = 0.9;
/** Networks change, so all hosts are used again after this time. */
const aloneMs = 120_000;

/** A time in which the same hosts are used. */
interface Period {
  hosts: readonly Host[];
  since: number;
  minMs: number;
  parts: number;
  /** Sum of the speeds of the measured parts. */
  bytesPerMs: number;
}

export interface HostOptions {
  /** Requests at once to each host. */
  concurrency: number;
  /** Milliseconds. */
  now: () => number;
  connections: (origin: string) => Pool;
}

export function createHostChoice(origins: readonly string[], options: HostOptions): HostChoice {
  const { concurrency, now, connections } = options;
  const all = origins.map((origin, index): Host => ({ origin, index: index || undefined }));
  const maxRequests = concurrency * all.length;
  const busy = new Map<Host, number>();
  const countOf = (host: Host) => busy.get(host) ?? 0;
  let speed: number | undefined;
  let period = startPeriod(all, firstTrialMs);
  let trialMs = firstTrialMs;
  /** The speed of all connections to all hosts, before the first host was tried alone. */
  let speedOfAll = 0;

  function startPeriod(hosts: readonly Host[], minMs: number): Period {
    return { hosts, minMs, since: now(), parts: 0, bytesPerMs: 0 };
  }

  function chooseHosts(bytesPerMs: number): void {
    period.parts++;
    // The first parts were already under way when the period began, so they say nothing about its hosts.
    if (period.parts <= maxRequests) return;
    period.bytesPerMs += bytesPerMs;
    const requests = concurrency * period.hosts.length;
    const measured = period.parts - maxRequests;
    if (measured < requests || now() - period.since < period.minMs) return;
    const total = (period.bytesPerMs / measured) * requests;
    if (period.hosts === all) {
      speedOfAll = total;
      period = startPeriod(all.slice(0, 1), 0);
    } else if (period.minMs) {
      period = startPeriod(all, trialMs);
    } else if (total >= speedOfAll * sameSpeed) {
      period = startPeriod(period.hosts, aloneMs);
    } else {
      trialMs *= trialGrowth;
      period = startPeriod(all, trialMs);
    }
  }

  return {
    maxRequests,
    pick() {
      const host = period.hosts.reduce((a, b) => (countOf(b) < countOf(a) ? b : a));
      busy.set(host, countOf(host) + 1);
      return host;
    },
    release: (host) => busy.set(host, countOf(host) - 1),
    connections: ({ origin }) => connections(origin),
    recordPart(bytes, ms) {
      const bytesPerMs = bytes / Math.max(1, ms);
      speed = speed ? speed * 0.7 + bytesPerMs * 0.3 : bytesPerMs;
      if (all.length > 1) chooseHosts(bytesPerMs);
    },
    bytesPerSecond: () => speed && speed * 1000,
  };
}
