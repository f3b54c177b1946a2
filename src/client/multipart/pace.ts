/**
 * How many parts are under way at once. Six parts that share a slow line all end together, and a reload before that loses
 * all of them. Where the parts under way would take longer than about ten seconds, fewer are sent at a time, so that early
 * parts arrive one after another. A line that is slow for each connection is another matter: there, fewer connections only
 * send less, and all are used again.
 */

/** A part that takes longer to send is too much to lose. */
const longestPartMs = 10_000;
/** Measured speeds vary: only what is clearly slower counts. */
const margin = 1.5;
const windowMs = 1500;
/** Share of a part that may be sent again for the others. */
const mostSentAgain = 0.25;
/** Share of the speed over all connections that fewer connections must keep. */
const asFast = 0.7;

/** One part under way. */
export interface Sending {
  /** Bytes. */
  size: number;
  /** Bytes that the storage has taken. */
  loaded: number;
  /** Ends the attempt; the part waits for its turn and is sent again. */
  stop(): void;
}

export interface Pace {
  /** Resolves when one more part may be sent. */
  turn(): Promise<void>;
  /** Gives a turn back that is not used. */
  skip(): null;
  begin(sending: Sending): void;
  progress(sending: Sending, loaded: number): void;
  end(sending: Sending): void;
}

/**
 * @param now milliseconds
 * @param onSlow is told at the beginning, with what one connection moves (bytes and milliseconds), when parts take too long
 */
export function createPace(now: () => number, onSlow: (bytes: number, ms: number, partBytes: number) => void): Pace {
  const underWay = new Set<Sending>();
  const waiting: (() => void)[] = [];
  let allowed = Number.POSITIVE_INFINITY;
  /** Given a turn and not ended. */
  let turns = 0;
  let step: 'all' | 'trying' | 'fewer' | 'settled' = 'all';
  /** Bytes in a millisecond over all connections, before fewer were tried. */
  let wide = 0;
  let moved = 0;
  let since: number | undefined;
  let windows = 0;

  function admit(): void {
    while (turns < allowed && waiting.length) {
      turns++;
      waiting.shift()?.();
    }
  }

  function measure(): void {
    since ??= now();
    const ms = now() - since;
    if (ms < windowMs || !moved) return;
    const speed = moved / ms;
    const partBytes = Math.max(...[...underWay].map(({ size }) => size));
    const fitting = Math.max(1, Math.floor((speed * longestPartMs) / partBytes));
    const count = underWay.size;
    moved = 0;
    since = now();
    // The first bytes only fill buffers on this device.
    if (++windows < 2) return;
    if (step === 'all' && (partBytes * count) / speed > longestPartMs * margin) {
      // Later, what is under way is too much to send again.
      if (windows === 2) onSlow((speed * ms) / count, ms, partBytes);
      if (fitting >= count) return;
      // What has come furthest goes on, and so does what would be much to send again.
      const stopped = [...underWay]
        .sort((a, b) => b.loaded - a.loaded)
        .slice(fitting)
        .filter(({ size, loaded }) => loaded < size * mostSentAgain);
      if (!stopped.length) return;
      wide = speed;
      step = 'trying';
      allowed = count - stopped.length;
      for (const sending of stopped) sending.stop();
    } else if (step === 'trying') {
      step = speed < wide * asFast ? 'settled' : 'fewer';
      if (step === 'settled') allowed = Number.POSITIVE_INFINITY;
    } else if (step === 'fewer' && fitting > allowed) allowed = fitting;
    admit();
  }

  return {
    turn: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
        admit();
      }),
    skip() {
      turns--;
      admit();
      return null;
    },
    begin: (sending) => underWay.add(sending),
    progress(sending, loaded) {
      moved += Math.max(0, loaded - sending.loaded);
      sending.loaded = loaded;
      measure();
    },
    end(sending) {
      underWay.delete(sending);
      turns--;
      admit();
    },
  };
}
