/**
 * After a device's sleep, connections may be dead although no error was reported. Requests that were under way then get
 * a few seconds to move, instead of the time that a slow connection gets.
 */
import type { Exchange } from '../exchange.ts';

const tickMs = 5000;
/** When the clock jumps by more than this between two ticks, the device slept. */
const jumpMs = 20_000;
const graceMs = 8000;

/**
 * Effective once for each client.
 * @param now milliseconds on the wall clock, which goes on in sleep where others stop
 */
export function watchForWakeUp(exchange: Exchange, now: () => number = Date.now): void {
  if (exchange.isWatched || !globalThis.document) return;
  exchange.isWatched = true;
  let last = now();
  const check = () => {
    const at = now();
    if (at - last > jumpMs) for (const extend of exchange.watchdogs) extend(graceMs);
    last = at;
  };
  // Hidden pages get one tick a minute although the device is awake: they are checked when they are shown again.
  setInterval(() => document.hidden || check(), tickMs);
  addEventListener('pageshow', check);
  document.addEventListener('visibilitychange', check);
}
