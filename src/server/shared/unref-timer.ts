/**
 * Lets the process end although the timer is running. In Workers with an older compatibility date a timer is a number,
 * and no timer keeps a Worker alive.
 */
export function unrefTimer(timer: ReturnType<typeof setInterval> | number): void {
  if (typeof timer === 'object') timer.unref();
}
