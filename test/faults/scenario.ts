/**
 * Generates scenarios as data: files to upload and faults to inject. A seed gives the same scenario on every machine.
 */
import { MiB } from '../../src/protocol/index.ts';
import { createRandom } from '../support/random.ts';

export interface FilePlan {
  name: string;
  /** Bytes. */
  size: number;
  /** A stream cannot be read twice, so its upload starts over after a reload. */
  kind: 'file' | 'stream';
  /** The route `plain` has `integrity: 'size-only'`. */
  route: 'files' | 'plain';
}

/** Hits this many requests to the storage, sent by the page or by the server. */
interface RequestFault {
  requests: number;
}

export type Fault =
  | ({ type: 'drop-request' | 'drop-answer' | 'truncate'; bytes: number } & RequestFault)
  | ({ type: 'slow-down'; retryAfterSeconds: number } & RequestFault)
  | ({ type: 'expire' } & RequestFault)
  /** The page's clock is put forward by `seconds`. */
  | { type: 'offline'; seconds: number }
  | { type: 'restart' | 'reload' | 'kill' | 'pause' | 'second-tab' }
  /** `afterReload`: no page is open during the edit. `sameTime`: the modification time stays the same. */
  | { type: 'edit'; file: string; afterReload: boolean; sameTime: boolean }
  | { type: 'abort'; file: string };

export interface FaultEvent {
  /**
   * Number of requests that the storage has received. Milliseconds would make the run depend on the machine's speed.
   */
  afterRequests: number;
  fault: Fault;
}

export interface Scenario {
  seed: number;
  files: readonly FilePlan[];
  /** The client's `concurrency`. */
  concurrency: number;
  /** The transfer of small files. */
  smallTransfer: 'form' | 'put';
  /** Error of the page's clock, in days. */
  clockDays: -1 | 0 | 1;
  events: readonly FaultEvent[];
}

/** Sizes around the limits of forms, single requests and parts, and files of several parts. */
const sizes = [0, 1, 1000, 200_000, MiB, MiB + 1, 5 * MiB - 1, 5 * MiB, 5 * MiB + 1, 11 * MiB, 16 * MiB];

/** The client fails an upload after six failures, so fewer requests than that are hit. */
const maxRequestFaults = 5;

export function makeScenario(seed: number): Scenario {
  const random = createRandom(seed);
  const below = (n: number) => Math.floor(random() * n);
  const pick = <T>(items: readonly T[]) => items[below(items.length)] as T;
  const files = Array.from({ length: 1 + below(3) }, (_, index): FilePlan => {
    // Most runs have at least one upload in parts: it has the most states.
    const size = index === 0 && below(4) > 0 ? pick(sizes.slice(-4)) : pick(sizes);
    const kind = below(6) === 0 ? 'stream' : 'file';
    return { name: `file-${index}.txt`, size, kind, route: below(8) === 0 ? 'plain' : 'files' };
  });
  let left = maxRequestFaults;
  let expirations = 1;
  const takeRequests = () => {
    const requests = Math.min(left, 1 + below(3));
    left -= requests;
    return requests;
  };
  const faultMakers: readonly (() => Fault)[] = [
    () => ({
      type: 'drop-request',
      bytes: pick([0, 1, below(1000), below(MiB), below(5 * MiB)]),
      requests: takeRequests(),
    }),
    () => ({ type: 'drop-answer', bytes: pick([0, below(300)]), requests: takeRequests() }),
    () => ({ type: 'truncate', bytes: below(300), requests: takeRequests() }),
    () => ({ type: 'slow-down', retryAfterSeconds: below(2), requests: takeRequests() }),
    // At most one: the client fails an upload when a URL that was just signed is refused as expired again.
    () => ({ type: 'expire', requests: expirations-- > 0 ? 1 : 0 }),
    () => ({ type: 'offline', seconds: pick([0, 30]) }),
    () => ({ type: pick(['restart', 'reload', 'kill', 'pause', 'second-tab']) }),
    () => ({ type: pick(['restart', 'reload', 'kill', 'pause', 'second-tab']) }),
    () => {
      const editable = files.filter(({ kind, route }) => kind === 'file' && route === 'files');
      if (editable.length === 0) return { type: 'pause' };
      return { type: 'edit', file: pick(editable).name, afterReload: below(3) > 0, sameTime: below(2) > 0 };
    },
    () => ({ type: 'abort', file: pick(files).name }),
  ];
  const events = Array.from({ length: 1 + below(4) }, () => ({
    afterRequests: 1 + below(24),
    fault: pick(faultMakers)(),
  }))
    .filter(({ fault }) => !('requests' in fault) || fault.requests > 0)
    .sort((a, b) => a.afterRequests - b.afterRequests);
  return {
    seed,
    files,
    concurrency: pick([1, 3, 6]),
    smallTransfer: pick(['form', 'put']),
    clockDays: pick([-1, 0, 0, 0, 1]),
    events,
  };
}
