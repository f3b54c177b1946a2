/**
 * Decides how many parts are under way at once. When six parts share a slow line, all of them end at about the same
 * time, and a reload before that loses all six. Where the parts under way would take longer than about ten seconds,
 * fewer are sent at a time, so that the first ones arrive early. On some lines each connection is slow by itself:
 * there, fewer connections only send less, so all of them are used again.
 */

/** A part should not take longer than this, because an interruption loses all of it. */
const maxPartMs = 10_000;
/** Measured speeds vary, so parts must be slower than `maxPartMs` by this factor. */
const slownessFactor = 1.5;
const windowMs = 1500;
/** Only a part of which less than this share was sent may be stopped in favour of other parts. */
const maxSentAgain = 0.25;
/** Fewer connections are kept when together they reach at least this share of the speed of all connections. */
const sameSpeed = 0.7;

/** One part under way. */
export interface SendingPart {
  /** Bytes. */
  size: number;
  /** Bytes that were sent. */
  loaded: number;
  /** Ends the request. The part then waits for another turn and is sent again. */
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
 * @param onSlow called at most once, early, when parts take too long. `bytes` and `ms` are what one connection has sent
 */
export function createPace(now: () => number, onSlow: (bytes: number, ms: number, partBytes: number) => void): Pace {
  const underWay = new Set<SendingPart>();
  const waiting: (() => void)[] = [];
  let allowed = Number.POSITIVE_INFINITY;
  /** Parts that have a turn. */
  let turns = 0;
  /**
   * `all`: all connections are used. `trying`: fewer are used and measured. `fewer`: fewer are used, because they are
   * fast enough. `settled`: all are used, and fewer are not tried again.
   */
  let stage: 'all' | 'trying' | 'fewer' | 'settled' = 'all';
  /** Bytes per millisecond over all connections, before fewer were tried. */
  let speedOfAll = 0;
  let measured = { bytes: 0, since: Number.NaN, windows: 0 };

  function giveTurns(): void {
    while (turns < allowed && waiting.length) {
      turns++;
      waiting.shift()?.();
    }
  }

  /** Stops some parts, so that the others arrive in time. */
  function tryFewer(speed: number, fitting: number): void {
    const count = underWay.size;
    const stopped = chooseStopped(underWay, fitting);
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
    const fitting = Math.max(1, Math.floor((speed * maxPartMs) / partBytes));
    const count = underWay.size;
    measured = { bytes: 0, since: now(), windows: measured.windows + 1 };
    // The first window is not used: its bytes only filled buffers on this device.
    if (measured.windows < 2) return;
    if (stage === 'all' && (partBytes * count) / speed > maxPartMs * slownessFactor) {
      // Only the first measurement is reported. Later, too many bytes would have to be sent again.
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

/** Returns the parts of which the fewest bytes were sent, all but `fitting`. */
function chooseStopped(underWay: ReadonlySet<SendingPart>, fitting: number): SendingPart[] {
  return [...underWay]
    .sort((a, b) => b.loaded - a.loaded)
    .slice(fitting)
    .filter(({ size, loaded }) => loaded < size * maxSentAgain);
}
