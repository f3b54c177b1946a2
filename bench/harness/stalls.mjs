/** Measures how long the event loop of this process is blocked, with a timer that is due every few milliseconds. */
import { closeSync, openSync, readSync } from 'node:fs';

const everyMs = 5;

/**
 * On Linux the kernel reports how long the main thread was ready to run but had no core. The machine causes that time,
 * so it is subtracted. https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat
 *
 * @param {(stall: { heldMs: number, wallMs: number }) => void} onLongest called whenever a stall is the longest so far;
 * `wallMs` is the time by the clock, `heldMs` is that time without the wait for a core
 */
export function watchStalls(onLongest) {
  const waitedMs = createWaitReader();
  let longest = { heldMs: 0, wallMs: 0 };
  let at = performance.now();
  let waited = waitedMs();
  const timer = setInterval(() => {
    const now = performance.now();
    const wallMs = now - at - everyMs;
    if (wallMs > longest.wallMs || wallMs > longest.heldMs) {
      const heldMs = Math.max(0, wallMs - (waitedMs() - waited));
      if (heldMs > longest.heldMs || wallMs > longest.wallMs) {
        longest = { heldMs: Math.max(heldMs, longest.heldMs), wallMs: Math.max(wallMs, longest.wallMs) };
        onLongest(longest);
      }
    }
    at = performance.now();
    waited = waitedMs();
  }, everyMs);
  timer.unref();
}

function createWaitReader() {
  let file;
  try {
    file = openSync('/proc/self/schedstat', 'r');
  } catch {
    return () => 0;
  }
  process.once('exit', () => closeSync(file));
  const buffer = Buffer.alloc(128);
  return () => {
    const [, nanoseconds] = buffer.toString('latin1', 0, readSync(file, buffer, 0, buffer.length, 0)).split(' ');
    return Number(nanoseconds) / 1e6;
  };
}
