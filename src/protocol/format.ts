/** Sizes and times in messages for users. `details` has the exact bytes. */

const units = ['bytes', 'kB', 'MB', 'GB', 'TB'] as const;

/**
 * Formats a size in decimal units, with about two digits: `812 bytes`, `3.2 MB`, `50 GB`.
 *
 * @example formatBytes(3_200_000) // '3.2 MB'
 */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  if (unit === 0) return bytes === 1 ? '1 byte' : `${Math.round(bytes)} bytes`;
  return `${value < 9.95 ? Number(value.toFixed(1)) : Math.round(value)} ${units[unit]}`;
}

/** Formats a size and its limit, in exact bytes when both would round to the same text. */
export function formatSizes(size: number, limit: number): [size: string, limit: string] {
  const rounded: [string, string] = [formatBytes(size), formatBytes(limit)];
  if (rounded[0] !== rounded[1]) return rounded;
  return [`${size.toLocaleString('en')} bytes`, `${limit.toLocaleString('en')} bytes`];
}

/**
 * Formats a time, rounded up: `12 s`, `3 min`, `1 h 20 min`.
 *
 * @example formatSeconds(75) // '2 min'
 */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(1, Math.ceil(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.ceil(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
}
