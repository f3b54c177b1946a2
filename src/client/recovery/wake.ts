/**
 * A laptop that slept, a page that came back: sockets may be dead without anybody having said so. What was under way then has
 * a few seconds to move, instead of the whole time that a slow line is given.
 */
import type { Exchange } from '../exchange.ts';

const tickMs = 5000;
/** A clock that jumped by more than this did so because nothing ran. */
const jumpMs = 20_000;
const graceMs = 8000;

const woken = new WeakSet<Exchange>();

/** Once for each client. @param now milliseconds on the wall clock, which goes on in sleep where others stop */
export function wake(exchange: Exchange, now: () => number = Date.now): void {
  if (woken.has(exchange) || !globalThis.document) return;
  woken.add(exchange);
  let last = now();
  const look = () => {
    const at = now();
    if (at - last > jumpMs) for (const watch of exchange.watches) watch(graceMs);
    last = at;
  };
  // Hidden pages get a tick a minute, and are not asleep: they are looked at when they are seen again.
  setInterval(() => document.hidden || look(), tickMs);
  addEventListener('pageshow', look);
  document.addEventListener('visibilitychange', look);
}
