/** Which keys we are willing to sign. Messages name the rule, never the key. */
import { WaybillError } from '../protocol/index.ts';

const maxKeyBytes = 1024;

/** Rules for every request: what breaks them cannot be addressed, because URL parsers fold dot segments away. */
const addressable = [
  [(key: string) => key === '', 'is empty'],
  [tooLong, `has more than ${maxKeyBytes} UTF-8 bytes`],
  [(key: string) => /\p{Cs}/u.test(key), 'is not valid Unicode'],
  [(key: string) => /(^|\/)\.{1,2}(\/|$)/.test(key), 'has a segment "." or ".."'],
] as const;

/** Rules for what clients are sent to, and for what is written. */
const safe = [
  ...addressable,
  [(key: string) => /(^|\/)(\/|$)/.test(key), 'has an empty segment'],
  [(key: string) => /\p{Cc}/u.test(key), 'has a control character'],
  // POST forms expand ${filename} with what the sender likes.
  [(key: string) => key.includes('${'), 'contains "${"'],
] as const;

/** Nothing to find in these: letters, digits, dashes and single dots or slashes between them. */
const harmless = /^[A-Za-z0-9_-]+(?:[./][A-Za-z0-9_-]+)*$/;

/** @throws WaybillError internal_error naming the rule */
export function checkKey(key: string): void {
  if (key.length <= maxKeyBytes && harmless.test(key)) return;
  check(key, safe);
}

/** For reading and deleting what others may have stored. @throws WaybillError internal_error naming the rule */
export function checkExistingKey(key: string): void {
  check(key, addressable);
}

function check(key: string, rules: typeof safe | typeof addressable): void {
  for (const [broken, rule] of rules)
    if (broken(key)) throw new WaybillError('internal_error', `This object key ${rule}.`);
}

function tooLong(key: string): boolean {
  return key.length > maxKeyBytes || Buffer.byteLength(key) > maxKeyBytes;
}
