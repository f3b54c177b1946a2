/** A longer window gives a calmer number; a shorter one shows sooner that the speed has changed. */
const windowMs = 5000;
/** A speed that is measured over less time than this would vary too much. */
const minMs = 500;

interface Sample {
  at: number;
  loaded: number;
}

/**
 * Measures the speed over a sliding window. Fewer bytes than before mean that sending has begun again.
 * @returns a function that takes the time in milliseconds and, when they have changed, the bytes so far; it returns
 * bytes per second, 0 while unknown
 */
export function createProgress(): (now: number, loaded?: number) => number {
  let samples: Sample[] = [];
  let last = 0;
  return (now, loaded = -1) => {
    if (loaded >= 0) {
      if (loaded < last) samples = [];
      last = loaded;
      samples.push({ at: now, loaded });
    }
    // The last sample from before the window is kept, so that the window is always full.
    while (samples[1] && samples[1].at <= now - windowMs) samples.shift();
    const first = samples[0];
    return first && now - first.at >= minMs ? ((last - first.loaded) / (now - first.at)) * 1000 : 0;
  };
}
