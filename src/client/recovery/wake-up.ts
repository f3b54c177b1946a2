/**
 * After a device's sleep, connections may be dead although no error was reported. Requests that were under way then
 * get a few seconds to send another byte, instead of the time that a slow connection gets.
 */
import type { Exchange } from '../exchange.ts';

const tickMs = 5000;
/** When the clock advances by more than this between two ticks, the device was asleep. */
const jumpMs = 20_000;
const graceMs = 8000;

/**
 * Only the first call for each client has an effect.
 * @param now milliseconds on the wall clock, which advances while the device sleeps; other clocks may stop
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
  // Browsers give hidden pages one tick a minute although the device is awake, so a hidden page is checked only when it
  // is shown again.
  setInterval(() => document.hidden || check(), tickMs);
  addEventListener('pageshow', check);
  document.addEventListener('visibilitychange', check);
}
