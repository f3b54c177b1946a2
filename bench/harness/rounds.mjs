/**
 * Interleaved rounds: every contender takes one turn a round, in an order that rotates, so that whatever else the
 * machine does falls on all of them alike. A ratio is the median of the rounds' own ratios, because two numbers of
 * the same round share the same weather; a value is the median of its turns.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
/** Collects garbage between turns, so that nobody pays for what another threw away. @type {() => void} */
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
 * Operations per second of code in this process. Each round becomes several short turns: long enough to pay for its own
 * garbage, short enough that a neighbour who takes the core falls on one of many.
 * @param {readonly { name: string, run: (count: number) => unknown }[]} contenders `run` does the operation `count` times
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

/** Warms the code up until the optimiser has seen it, and finds how many operations fill a turn. */
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
 * Rows as BENCH's JSON wants them.
 * @param {Map<string, number[]>} figures
 * @param {{ unit: string, floor: string | ((contender: string) => string) }} options `floor` names the contender the ratio is to
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
