/**
 * Interleaved rounds: every contender takes one turn in each round, in a rotating order, so that other load on the
 * machine affects all of them equally. A ratio is the median of the ratios in each round, because the numbers of one
 * round were measured under the same conditions. A value is the median of its turns.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
/** Collects garbage between turns, so that no contender pays for the garbage of another. @type {() => void} */
const collectGarbage = runInNewContext('gc');

/** @param {readonly number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * @param {readonly { name: string, turn: () => Promise<number> | number }[]} contenders `turn` returns its figure
 * @param {number} rounds
 * @returns {Promise<Map<string, number[]>>} every contender's figures, in round order
 */
export async function takeTurns(contenders, rounds) {
  const figures = new Map(contenders.map(({ name }) => [name, []]));
  if (figures.size !== contenders.length) throw new Error('Two contenders have the same name.');
  for (let round = 0; round < rounds; round++) {
    for (let place = 0; place < contenders.length; place++) {
      const { name, turn } = contenders[(place + round) % contenders.length];
      collectGarbage();
      const figure = await turn();
      if (!Number.isFinite(figure)) throw new Error(`${name} produced no figure.`);
      figures.get(name).push(figure);
    }
  }
  return figures;
}

/**
 * Measures operations per second of code in this process. Each round has several short turns. A turn is long enough to
 * include its own garbage collection, and short enough that another process on the core disturbs only one of many
 * turns.
 * @param {readonly { name: string, run: (count: number) => unknown }[]} contenders `run` does the operation `count`
 * times
 * @param {{ rounds: number }} options
 */
export async function operationsPerSecond(contenders, { rounds }) {
  const turnMs = 50;
  const turnsPerRound = 8;
  const turns = [];
  for (const { name, run } of contenders) {
    const count = await calibrate(run, turnMs);
    turns.push({
      name,
      async turn() {
        const start = performance.now();
        await run(count);
        return (count / (performance.now() - start)) * 1000;
      },
    });
  }
  return takeTurns(turns, rounds * turnsPerRound);
}

/** Warms up the code, and finds how many operations fill a turn. */
async function calibrate(run, turnMs) {
  let count = 64;
  for (;;) {
    const start = performance.now();
    await run(count);
    const took = performance.now() - start;
    if (took >= turnMs / 2) return Math.max(1, Math.round((count * turnMs) / took));
    count *= 2;
  }
}

/**
 * Converts figures to the rows of a report.
 * @param {Map<string, number[]>} figures
 * @param {{ unit: string, floor: string | ((contender: string) => string) }} options `floor` names the contender the
 * ratio is to
 */
export function rowsOf(figures, { unit, floor }) {
  return [...figures].map(([contender, values]) => ({
    contender,
    value: median(values),
    unit,
    ratio: ratioOf(figures, contender, typeof floor === 'function' ? floor(contender) : floor),
  }));
}

/** @param {Map<string, number[]>} figures */
export function ratioOf(figures, contender, floor) {
  const floors = figures.get(floor);
  if (!floors) throw new Error(`There is no contender "${floor}".`);
  return median(figures.get(contender).map((value, round) => value / floors[round]));
}
