/**
 * How many parts are under way at once. When six parts share a slow line, all of them end at about the same time, and a
 * reload before that loses all six. Where the parts under way would take longer than about ten seconds, fewer are sent
 * at a time, so that the first ones arrive early. Some lines are slow for each connection: there, fewer connections
 * only send less, and all of them are used again.
 */

/** A part that takes longer than this is too much to lose. */
const longestPartMs = 10_000;
/** Measured speeds vary: only a clearly slower one counts. */
const margin = 1.5;
const windowMs = 1500;
/** The share of a part that may be sent again in favour of other parts. */
const maxSentAgain = 0.25;
/** The share of the speed over all connections that fewer connections must keep. */
const sameSpeed = 0.7;

/** One part under way. */
export interface SendingPart {
  /** Bytes. */
  size: number;
  /** Bytes that the storage has taken. */
  loaded: number;
  /** Ends the request; the part waits for its turn and is sent again. */
  stop(): void;
}

export interface Pace {
  /** Resolves when one more part may be sent. */
  waitForTurn(): Promise<void>;
  /** Gives back a turn that is not used. */
  returnTurn(): void;
  begin(part: SendingPart): void;
  progress(part: SendingPart, loaded: number): void;
  end(part: SendingPart): void;
}

/**
 * @param now milliseconds
 * @param onSlow called once, early, when parts take too long: with what one connection moves, in bytes and milliseconds
 */
export function createPace(now: () => number, onSlow: (bytes: number, ms: number, partBytes: number) => void): Pace {
  const underWay = new Set<SendingPart>();
  const waiting: (() => void)[] = [];
  let allowed = Number.POSITIVE_INFINITY;
  /** Turns that were given and have not ended. */
  let turns = 0;
  /** `trying`: fewer connections are measured. `fewer`: they are fast enough. `settled`: all are used for good. */
  let stage: 'all' | 'trying' | 'fewer' | 'settled' = 'all';
  /** Bytes in a millisecond over all connections, before fewer were tried. */
  let speedOfAll = 0;
  let measured = { bytes: 0, since: Number.NaN, windows: 0 };

  function giveTurns(): void {
    while (turns < allowed && waiting.length) {
      turns++;
      waiting.shift()?.();
    }
  }

  /** Stops the parts that are least far, so that the others arrive in time. */
  function tryFewer(speed: number, fitting: number): void {
    const count = underWay.size;
    const stopped = [...underWay]
      .sort((a, b) => b.loaded - a.loaded)
      .slice(fitting)
      .filter(({ size, loaded }) => loaded < size * maxSentAgain);
    if (!stopped.length) return;
    speedOfAll = speed;
    stage = 'trying';
    allowed = count - stopped.length;
    for (const part of stopped) part.stop();
  }

  function measure(): void {
    if (Number.isNaN(measured.since)) measured.since = now();
    const ms = now() - measured.since;
    if (ms < windowMs || !measured.bytes) return;
    const speed = measured.bytes / ms;
    const partBytes = Math.max(...[...underWay].map(({ size }) => size));
    const fitting = Math.max(1, Math.floor((speed * longestPartMs) / partBytes));
    const count = underWay.size;
    measured = { bytes: 0, since: now(), windows: measured.windows + 1 };
    // The first bytes only fill buffers on this device.
    if (measured.windows < 2) return;
    if (stage === 'all' && (partBytes * count) / speed > longestPartMs * margin) {
      // Later, too much would have to be sent again.
      if (measured.windows === 2) onSlow((speed * ms) / count, ms, partBytes);
      if (fitting < count) tryFewer(speed, fitting);
    } else if (stage === 'trying') {
      stage = speed < speedOfAll * sameSpeed ? 'settled' : 'fewer';
      if (stage === 'settled') allowed = Number.POSITIVE_INFINITY;
    } else if (stage === 'fewer' && fitting > allowed) allowed = fitting;
    giveTurns();
  }

  return {
    waitForTurn: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
        giveTurns();
      }),
    returnTurn() {
      turns--;
      giveTurns();
    },
    begin: (part) => underWay.add(part),
    progress(part, loaded) {
      measured.bytes += Math.max(0, loaded - part.loaded);
      part.loaded = loaded;
      measure();
    },
    end(part) {
      underWay.delete(part);
      turns--;
      giveTurns();
    },
  };
}
