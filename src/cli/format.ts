/** Numbers for people: the page's own, in web/, speaks the same way. */
export { formatBytes } from '../protocol/index.ts';

/** `12 s`, `3 min`, `1 h 20 min`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(1, Math.ceil(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.ceil(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
