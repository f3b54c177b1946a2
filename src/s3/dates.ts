/** The two spellings of time that SigV4 uses: `20130524T000000Z` and its day, `20130524`. */

/** Of milliseconds since the epoch, rounded down to the second. */
export function amzDateOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
}

/** Milliseconds since the epoch; NaN when it is no such date. */
export function parseAmzDate(text: string): number {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (!match) return Number.NaN;
  const [, year, month, day, hour, minute, second] = match;
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  // Date.parse rolls 30 February over into March.
  return amzDateOfValid(ms) === text ? ms : Number.NaN;
}

function amzDateOfValid(ms: number): string | null {
  return Number.isNaN(ms) ? null : amzDateOf(ms);
}
