/**
 * Starts a stopwatch in milliseconds. It returns the smaller of wall time and CPU time, because wall time also counts
 * while another process uses the CPU.
 */
export function stopwatch(): () => number {
  const wall = performance.now();
  const cpu = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    return Math.min(performance.now() - wall, (user + system) / 1000);
  };
}
