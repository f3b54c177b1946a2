/**
 * Rounds of uploads. The link determines how long an upload takes, so that peers that need a minute do not run in every
 * round. A contender with `every: 2` runs in the first, the third, ... round. Its ratio is to the floor in the same
 * rounds.
 */
import { median } from './rounds.mjs';

/** More rounds do not change the result, and a round takes minutes. */
const mostRounds = 5;

/**
 * @param {readonly { name: string, every?: number, floor?: string, turn: () => Promise<{ seconds: number, preflights:
 * number }> }[]} contenders
 * @param {{ rounds: number, quick: boolean, note: (text: string) => void }} options
 */
export async function takeUploadTurns(contenders, { rounds, quick, note }) {
  const figures = new Map(contenders.map(({ name }) => [name, new Map()]));
  const most = quick ? 1 : Math.min(rounds, mostRounds);
  for (let round = 0; round < most; round++) {
    const present = contenders.filter(({ every = 1 }) => round % every === 0);
    for (let place = 0; place < present.length; place++) {
      const { name, turn } = present[(place + round) % present.length];
      try {
        const figure = await turn();
        figures.get(name).set(round, figure);
        note(`${round + 1}/${most} ${name}: ${figure.seconds.toFixed(2)} s, ${figure.preflights} preflights`);
      } catch (error) {
        throw new Error(`${name}: ${error.message}`, { cause: error });
      }
    }
  }
  return createFigures(figures);
}

function createFigures(figures) {
  const secondsOf = (name) => {
    const turns = figures.get(name);
    if (!turns) throw new Error(`There is no contender "${name}".`);
    return turns;
  };
  const ratio = (name, other) => {
    const others = secondsOf(other);
    return median(
      [...secondsOf(name)]
        .filter(([round]) => others.has(round))
        .map(([round, { seconds }]) => seconds / others.get(round).seconds),
    );
  };
  const seconds = (name) => median([...secondsOf(name).values()].map((turn) => turn.seconds));
  const preflights = (name) => median([...secondsOf(name).values()].map((turn) => turn.preflights));
  return {
    ratio,
    seconds,
    preflights,
    /** @param {(name: string) => string} floorOf */
    rows: (floorOf) =>
      [...figures.keys()].map((contender) => ({
        contender,
        value: seconds(contender),
        unit: 's',
        ratio: ratio(contender, floorOf(contender)),
      })),
    preflightRows: (unitFloor) =>
      [...figures.keys()].map((contender) => ({
        contender: `${contender}, preflights`,
        value: preflights(contender),
        unit: 'requests',
        ratio: preflights(contender) / unitFloor,
      })),
  };
}
