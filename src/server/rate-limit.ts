/** How often an owner may ask for grants, and an address for anything. The counting is rate-limiter-flexible's. */
import { isIPv6 } from 'node:net';
import { WaybillError } from '../protocol/index.ts';
import type { Call } from './call.ts';
import type { Operation } from './events.ts';
import { RequestView } from './plain.ts';
import type { CallbackRequest } from './types.ts';

export interface Rate {
  /** How many. */
  points: number;
  /** In how long, in seconds. */
  perSeconds: number;
}

export interface RateLimitOptions {
  /** Files that one owner may ask for. @default no limit */
  perOwner?: Rate;
  /**
   * Calls from one address (a /64 network of IPv6): grants, parts, completions, aborts and deletes; views are not counted.
   * Needs `clientAddress`. @default no limit
   */
  perAddress?: Rate;
  /** Where is counted. `postgresRateLimits()` counts over all replicas. @default the memory of this process */
  store?: RateLimitStore;
}

/** One counter, as rate-limiter-flexible has them: it rejects with `{ msBeforeNext }` when there is no room. */
export interface RateLimiter {
  consume(key: string, points: number): Promise<unknown>;
}

export interface RateLimitStore {
  /** `name` keeps counters apart. */
  open(name: string, rate: Rate): RateLimiter | Promise<RateLimiter>;
}

export interface RateLimits {
  /** @throws {WaybillError} `rate_limited` */
  address(call: Call): Promise<void>;
  /** @throws {WaybillError} `rate_limited` */
  owner(ownerId: string, files: number): Promise<void>;
}

const uncounted: ReadonlySet<Operation> = new Set(['view', 'route', 'preflight', 'event', 'unknown']);

export function createRateLimits(
  { perOwner, perAddress, store = memoryStore }: RateLimitOptions,
  clientAddress: ((request: CallbackRequest) => string | null | undefined) | undefined,
): RateLimits {
  const owners = perOwner && opener(store, 'owner', perOwner);
  const addresses = perAddress && opener(store, 'address', perAddress);
  return {
    async address(call) {
      if (!addresses || uncounted.has(call.operation)) return;
      const address = clientAddress?.(new RequestView(call.request));
      // Whoever comes from nowhere shares one counter.
      await consume(await addresses(), networkOf(address ?? 'unknown'), 1, 'requests');
    },
    async owner(ownerId, files) {
      if (owners) await consume(await owners(), ownerId, files, 'files');
    },
  };
}

function opener(store: RateLimitStore, name: string, rate: Rate): () => Promise<RateLimiter> {
  let opened: Promise<RateLimiter> | undefined;
  return () => {
    opened ??= Promise.resolve(store.open(name, rate)).catch((error) => {
      opened = undefined;
      throw error;
    });
    return opened;
  };
}

async function consume(limiter: RateLimiter, key: string, points: number, what: string): Promise<void> {
  try {
    await limiter.consume(key, points);
  } catch (refusal) {
    const { msBeforeNext } = refusal as { msBeforeNext?: unknown };
    if (typeof msBeforeNext !== 'number') throw refusal;
    throw new WaybillError('rate_limited', `Too many ${what} at once: try again later.`, {
      retryAfterSeconds: Math.max(1, Math.ceil(msBeforeNext / 1000)),
    });
  }
}

const memoryStore: RateLimitStore = {
  async open(name, { points, perSeconds }) {
    const { RateLimiterMemory } = await import('rate-limiter-flexible');
    return new RateLimiterMemory({ keyPrefix: name, points, duration: perSeconds });
  },
};

/** One subscriber has a /64 of IPv6 at least, and as many addresses as there are. RFC 6177 section 2 */
export function networkOf(address: string): string {
  const plain = address.toLowerCase().replace(/%.*$/, '');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(plain)?.[1];
  if (mapped) return mapped;
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = plain.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail ? tail.split(':') : [];
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => '0');
  const groups = [...left, ...zeros, ...right].slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${groups.join(':')}::/64`;
}
