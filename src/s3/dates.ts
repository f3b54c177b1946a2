/** The date format of SigV4: `20130524T000000Z`. */

/** @param ms milliseconds since the epoch, rounded down to the second */
export function formatAmzDate(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
}

/** Returns milliseconds since the epoch, or NaN when `text` is not such a date. */
export function parseAmzDate(text: string): number {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (!match) return Number.NaN;
  const [, year, month, day, hour, minute, second] = match;
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  // Date.parse turns 30 February into a day in March, so the result must format to the same text.
  return !Number.isNaN(ms) && formatAmzDate(ms) === text ? ms : Number.NaN;
}
