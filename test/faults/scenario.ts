/** What may happen to a few files on their way, as data. The same seed gives the same scenario, on any machine. */
import { MiB } from '../../src/protocol/index.ts';

export interface FilePlan {
  name: string;
  /** Bytes. */
  size: number;
  /** A stream begins anew after a reload: nobody can read it twice. */
  kind: 'file' | 'stream';
  /** `plain` is size-only. */
  route: 'files' | 'plain';
}

/** Falls on so many requests to the storage, whoever makes them. */
interface Trouble {
  requests: number;
}

export type Happening =
  | ({ what: 'drop-request' | 'drop-answer' | 'truncate'; bytes: number } & Trouble)
  | ({ what: 'slow-down'; retryAfterSeconds: number } & Trouble)
  | ({ what: 'expire' } & Trouble)
  /** `seconds` are the page's: its clock is put forward. */
  | { what: 'offline'; seconds: number }
  | { what: 'restart' | 'reload' | 'kill' | 'pause' | 'second-tab' }
  /** `afterReload`: the page is gone meanwhile. `sameTime`: the file's time of change tells nothing. */
  | { what: 'edit'; file: string; afterReload: boolean; sameTime: boolean }
  | { what: 'abort'; file: string };

export interface Event {
  /** Requests that the storage has seen by then, never milliseconds: what a slow machine makes of it stays the same. */
  after: number;
  happens: Happening;
}

export interface Scenario {
  seed: number;
  files: readonly FilePlan[];
  /** Requests of the client at once. */
  concurrency: number;
  /** Small files go by form, or by put. */
  small: 'form' | 'put';
  /** How wrong the page's clock is. */
  clockDays: -1 | 0 | 1;
  events: readonly Event[];
}

/** The edges of forms, of single requests and of parts; and some parts more. */
const sizes = [0, 1, 1000, 200_000, MiB, MiB + 1, 5 * MiB - 1, 5 * MiB, 5 * MiB + 1, 11 * MiB, 16 * MiB];

/** The client gives a file up after six failures: fewer requests than that meet trouble. */
const mostTrouble = 5;

export function makeScenario(seed: number): Scenario {
  const random = createRandom(seed);
  const below = (n: number) => Math.floor(random() * n);
  const pick = <T>(items: readonly T[]) => items[below(items.length)] as T;
  const files = Array.from({ length: 1 + below(3) }, (_, index): FilePlan => {
    // At least one in parts in most runs: there is the most to break.
    const size = index === 0 && below(4) > 0 ? pick(sizes.slice(-4)) : pick(sizes);
    const kind = below(6) === 0 ? 'stream' : 'file';
    return { name: `file-${index}.txt`, size, kind, route: below(8) === 0 ? 'plain' : 'files' };
  });
  let left = mostTrouble;
  let fresh = 1;
  const trouble = () => {
    const requests = Math.min(left, 1 + below(3));
    left -= requests;
    return requests;
  };
  const happen: readonly (() => Happening)[] = [
    () => ({ what: 'drop-request', bytes: pick([0, 1, below(1000), below(MiB), below(5 * MiB)]), requests: trouble() }),
    () => ({ what: 'drop-answer', bytes: pick([0, below(300)]), requests: trouble() }),
    () => ({ what: 'truncate', bytes: below(300), requests: trouble() }),
    () => ({ what: 'slow-down', retryAfterSeconds: below(2), requests: trouble() }),
    // One: a URL that is as good as expired when it has just been signed is refused for good.
    () => ({ what: 'expire', requests: fresh-- > 0 ? 1 : 0 }),
    () => ({ what: 'offline', seconds: pick([0, 30]) }),
    () => ({ what: pick(['restart', 'reload', 'kill', 'pause', 'second-tab']) }),
    () => ({ what: pick(['restart', 'reload', 'kill', 'pause', 'second-tab']) }),
    () => {
      const bound = files.filter(({ kind, route }) => kind === 'file' && route === 'files');
      if (bound.length === 0) return { what: 'pause' };
      return { what: 'edit', file: pick(bound).name, afterReload: below(3) > 0, sameTime: below(2) > 0 };
    },
    () => ({ what: 'abort', file: pick(files).name }),
  ];
  const events = Array.from({ length: 1 + below(4) }, () => ({ after: 1 + below(24), happens: pick(happen)() }))
    .filter(({ happens }) => !('requests' in happens) || happens.requests > 0)
    .sort((a, b) => a.after - b.after);
  return {
    seed,
    files,
    concurrency: pick([1, 3, 6]),
    small: pick(['form', 'put']),
    clockDays: pick([-1, 0, 0, 0, 1]),
    events,
  };
}

/** mulberry32: small, and the same everywhere. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
