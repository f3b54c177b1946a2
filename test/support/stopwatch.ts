/**
 * Starts a stopwatch in milliseconds. The shorter of two clocks counts: while another process has the CPU, only the clock on
 * the wall goes on.
 */
export function stopwatch(): () => number {
  const wall = performance.now();
  const cpu = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    return Math.min(performance.now() - wall, (user + system) / 1000);
  };
}
