/**
 * The keys of one bucket in byte order, as a list of short sorted arrays (runs). It is built from the files at start,
 * so that the cost of a listing depends on the size of the page and not of the bucket.
 */
export interface KeyIndex {
  readonly size: number;
  add(key: string): void;
  delete(key: string): void;
  has(key: string): boolean;
  /** Returns the smallest key that is >= `bound`, or > `bound` with `after`. */
  next(bound: string, after: boolean): string | undefined;
}

const maxRunLength = 512;

export function createKeyIndex(keys: Iterable<string>): KeyIndex {
  const sorted = [...new Set(keys)].sort(compare);
  const runs: string[][] = [];
  for (let at = 0; at < sorted.length; at += maxRunLength / 2) runs.push(sorted.slice(at, at + maxRunLength / 2));
  if (runs.length === 0) runs.push([]);
  let size = sorted.length;

  /** Returns the index of the run for `key`. */
  const findRun = (key: string): number => {
    let low = 0;
    let high = runs.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((runs[middle]?.[0] ?? '') <= key) low = middle;
      else high = middle - 1;
    }
    return low;
  };

  return {
    get size() {
      return size;
    },
    add(key) {
      const at = findRun(key);
      const run = runs[at] as string[];
      const position = lowerBound(run, key);
      if (run[position] === key) return;
      run.splice(position, 0, key);
      size += 1;
      if (run.length > maxRunLength) runs.splice(at + 1, 0, run.splice(maxRunLength / 2));
    },
    delete(key) {
      const at = findRun(key);
      const run = runs[at] as string[];
      const position = lowerBound(run, key);
      if (run[position] !== key) return;
      run.splice(position, 1);
      size -= 1;
      if (run.length === 0 && runs.length > 1) runs.splice(at, 1);
    },
    has(key) {
      const run = runs[findRun(key)] as string[];
      return run[lowerBound(run, key)] === key;
    },
    next(bound, after) {
      const at = findRun(bound);
      const run = runs[at] as string[];
      let position = lowerBound(run, bound);
      if (after && run[position] === bound) position += 1;
      return run[position] ?? runs[at + 1]?.[0];
    },
  };
}

function lowerBound(run: readonly string[], key: string): number {
  let low = 0;
  let high = run.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((run[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
