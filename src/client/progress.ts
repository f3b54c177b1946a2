/** Longer is calmer; shorter notices sooner that the train has left the station. */
const windowMs = 5000;
/** A speed from less than this would jump about. */
const settleMs = 500;

/**
 * Speed over a sliding window. Fewer bytes than before mean that sending began again.
 * @returns a function that takes milliseconds and, when there is news, the bytes so far; it gives bytes per second,
 * 0 while unknown
 */
export function createProgress(): (now: number, loaded?: number) => number {
  let samples: [at: number, loaded: number][] = [];
  let last = 0;
  return (now, loaded = -1) => {
    if (loaded >= 0) {
      if (loaded < last) samples = [];
      last = loaded;
      samples.push([now, loaded]);
    }
    // The oldest that stays is the last from before the window, so that the window is always full.
    while (samples[1] && samples[1][0] <= now - windowMs) samples.shift();
    const [at, before] = samples[0] ?? [now, 0];
    return now - at < settleMs ? 0 : ((last - before) / (now - at)) * 1000;
  };
}
