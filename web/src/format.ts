/** Formats counts, durations and times for the page. */

/** `3,214,880 bytes`, not rounded, for the transfer statistics. */
export function formatExactBytes(bytes: number): string {
  return bytes === 1 ? '1 byte' : `${bytes.toLocaleString('en')} bytes`;
}

/** `1,204`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en');
}

/** `12 s`, `3 min`, `1 h 20 min`. Rounded up, so that an upload does not take longer than shown because of rounding. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(1, Math.ceil(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.ceil(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
}

/** `23 Nov 2026, 22:41` in the user's time zone. Empty for an invalid date. */
export function formatTime(iso: string): string {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return '';
  return time.toLocaleString('en-GB', {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
  });
}

/** Joins facts with middle dots. A line can break between two facts, but not inside one. */
export function joinFacts(facts: readonly string[]): string {
  return facts.map((fact) => fact.replaceAll(' ', '\u00A0')).join(' · ');
}
