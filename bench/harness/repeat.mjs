/** Loops made for one contender each: a shared loop would see every contender's function and inline none. */

/** The last result of each loop. It is exported so that the optimiser cannot remove the loop. */
export const sink = { last: undefined };

/**
 * @template T
 * @param {(item: T) => unknown} work
 * @param {readonly T[]} items their number is a power of two
 * @returns {(count: number) => unknown}
 */
export function repeating(work, items) {
  const asynchronous = work.constructor.name === 'AsyncFunction';
  const source = asynchronous
    ? 'return async (count) => { for (let i = 0; i < count; i++) sink.last = await work(items[i & mask]); };'
    : 'return (count) => { for (let i = 0; i < count; i++) sink.last = work(items[i & mask]); };';
  return new Function('work', 'items', 'mask', 'sink', source)(work, items, items.length - 1, sink);
}
