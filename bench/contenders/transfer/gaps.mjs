/**
 * Measures the longest time for which the page's thread was busy: a timer that is due every few milliseconds is late by
 * that time. A long task that the browser reports counts as well.
 */
const everyMs = 4;

export function watchGaps() {
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last - everyMs);
    last = now;
  }, everyMs);
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
  });
  observer.observe({ type: 'longtask' });
  return {
    stop() {
      clearInterval(timer);
      observer.disconnect();
      return longest;
    },
  };
}
