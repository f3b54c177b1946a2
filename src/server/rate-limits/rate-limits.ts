/** Limits how many files an owner may request, and how many calls an address may make. */
import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { WaybillError } from '../../protocol/index.ts';
import { loadOnce } from '../../s3/internal.ts';
import type { CallbackRequest } from '../callback-inputs.ts';
import type { Emit, Operation } from '../events.ts';
import { describe } from '../shared/describe.ts';
import { tooManyFiles } from '../shared/errors.ts';
import { createMemoryCounters } from './memory-counters.ts';
import type { Rate, RateLimiter, RateLimitStore } from './store.ts';

export interface RateLimitOptions {
  /**
   * Files that one owner may ask for. On a route for `anyone` it counts by address and needs `clientAddress`.
   * @default no limit @example { points: 600, perSeconds: 60 }
   */
  perOwner?: Rate;
  /**
   * Calls from one address (a /64 network of IPv6): grants, parts, completions, aborts, lists, renames and deletes;
   * views are not counted. Needs `clientAddress`. @default no limit @example { points: 300, perSeconds: 60 }
   */
  perAddress?: Rate;
  /**
   * Where calls are counted. `postgresRateLimits()` counts over all replicas. While it does not answer, each process
   * counts alone, so uploads go on. @default the memory of this process @example postgresRateLimits({ connectionString
   * })
   */
  store?: RateLimitStore;
}

export interface RateLimits {
  /** @throws {WaybillError} `rate_limited` */
  address(request: CallbackRequest, operation: Operation, always?: boolean): Promise<void>;
  /** @throws {WaybillError} `rate_limited` */
  owner(ownerId: string, files: number): Promise<void>;
}

export interface RateLimitContext {
  clientAddress: ((request: CallbackRequest) => string | null | undefined) | undefined;
  emit: Emit | undefined;
  /** Milliseconds since the epoch. */
  now: () => number;
}

const uncounted: ReadonlySet<Operation> = new Set(['view', 'route', 'preflight', 'event', 'upkeep', 'unknown']);

/** After a store did not answer, it is not called for this long, so that no call waits for it. */
const countAloneMs = 10_000;

export function createRateLimits(
  { perOwner, perAddress, store: given }: RateLimitOptions,
  context: RateLimitContext,
): RateLimits {
  const store = given ?? memoryStore(context.now);
  const countOwner = perOwner && createCounter(store, 'owner', perOwner, context);
  const countAddress = perAddress && createCounter(store, 'address', perAddress, context);
  return {
    async address(request, operation, always = false) {
      if (!countAddress || (!always && uncounted.has(operation))) return;
      // Calls without an address share one counter.
      const address = context.clientAddress?.(request) || 'unknown';
      await refusing('requests', countAddress(keyOf(networkOf(address)), 1));
    },
    async owner(ownerId, files) {
      if (!perOwner || !countOwner) return;
      // So many files exceed the limit at any time, so the error does not ask the client to wait.
      if (files > perOwner.points) throw tooManyFiles(files, perOwner.points);
      await refusing('files', countOwner(keyOf(ownerId), files));
    },
  };
}

type Count = (key: string, points: number) => Promise<unknown>;

function createCounter(
  store: RateLimitStore,
  name: 'owner' | 'address',
  rate: Rate,
  { emit, now }: RateLimitContext,
): Count {
  const openShared = opener(store, name, rate);
  const openOwn = opener(memoryStore(now), name, rate);
  let aloneUntil = Number.NEGATIVE_INFINITY;
  return async (key, points) => {
    if (now() >= aloneUntil) {
      try {
        const shared = await openShared();
        return await shared.consume(key, points);
      } catch (failure) {
        if (waitOf(failure) !== null) throw failure;
        if (now() >= aloneUntil) emit?.('rate_limit.failed', { counter: name, reason: describe(failure) });
        aloneUntil = now() + countAloneMs;
      }
    }
    const own = await openOwn();
    return own.consume(key, points);
  };
}

function opener(store: RateLimitStore, name: string, rate: Rate): () => Promise<RateLimiter> {
  return loadOnce(async () => store.open(name, rate));
}

/** A text for users: `5 seconds`, `2 minutes`. */
function inWords(ms: number): string {
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  const [count, unit] = seconds < 100 ? [seconds, 'second'] : [Math.ceil(seconds / 60), 'minute'];
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

async function refusing(what: string, counting: Promise<unknown>): Promise<void> {
  try {
    await counting;
  } catch (refusal) {
    const waitMs = waitOf(refusal);
    if (waitMs === null) throw refusal;
    throw new WaybillError('rate_limited', `Too many ${what} in a short time. Try again in ${inWords(waitMs)}.`, {
      retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)),
    });
  }
}

/** Returns null for an error that is not a refusal. */
function waitOf(refusal: unknown): number | null {
  const ms = (refusal as { msBeforeNext?: unknown } | null | undefined)?.msBeforeNext;
  return typeof ms === 'number' ? ms : null;
}

/** A name that a database cannot store is replaced by its digest, so that it counts as well. */
function keyOf(text: string): string {
  return /^[!-~]{1,100}$/.test(text) ? text : `sha256 ${createHash('sha256').update(text).digest('hex')}`;
}

function memoryStore(now: () => number): RateLimitStore {
  return { open: (_name, rate) => createMemoryCounters(rate, now) };
}

/** A subscriber has at least a /64 network of IPv6, with all of its addresses. RFC 6177 section 2 */
export function networkOf(address: string): string {
  const plain = address.toLowerCase().replace(/%.*$/s, '');
  if (!isIPv6(plain)) return plain;
  const mapped = /^\[::ffff:([0-9a-f]+):([0-9a-f]+)\]$/.exec(new URL(`http://[${plain}]`).hostname);
  if (mapped) return mapped.slice(1).flatMap(bytesOf).join('.');
  const [head = '', tail] = plain.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail ? tail.split(':') : [];
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => '0');
  const groups = [...left, ...zeros, ...right].slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${groups.join(':')}::/64`;
}

function bytesOf(group: string): [number, number] {
  const value = Number.parseInt(group, 16);
  return [value >> 8, value & 255];
}
