/** Rules for the keys that may be signed. Messages name the rule, never the key. */
import { WaybillError } from '../protocol/index.ts';

const maxKeyBytes = 1024;

/** Rules for every request. A key that breaks them has no URL: URL parsers remove dot segments, for instance. */
const existingKeyRules = [
  [(key: string) => key === '', 'is empty'],
  [isTooLong, `has more than ${maxKeyBytes} UTF-8 bytes`],
  [(key: string) => /\p{Cs}/u.test(key), 'is not valid Unicode'],
  [(key: string) => /(^|\/)\.{1,2}(\/|$)/.test(key), 'has a segment "." or ".."'],
] as const;

/** Rules for keys that are written or that clients get a URL for. */
const newKeyRules = [
  ...existingKeyRules,
  [(key: string) => /(^|\/)(\/|$)/.test(key), 'has an empty segment'],
  [(key: string) => /\p{Cc}/u.test(key), 'has a control character'],
  // A POST form replaces ${filename} with a name that the sender chooses.
  [(key: string) => key.includes('${'), 'contains "${"'],
] as const;

/** A quick test for keys that break no rule: letters, digits, dashes, and single dots or slashes between them. */
const plainKey = /^[A-Za-z0-9_-]+(?:[./][A-Za-z0-9_-]+)*$/;

/** @throws WaybillError internal_error naming the rule */
export function checkKey(key: string): void {
  if (key.length <= maxKeyBytes && plainKey.test(key)) return;
  checkRules(key, newKeyRules);
}

/**
 * Checks a key that is only read or deleted. Such an object may have been stored by another program.
 * @throws WaybillError internal_error naming the rule
 */
export function checkExistingKey(key: string): void {
  checkRules(key, existingKeyRules);
}

function checkRules(key: string, rules: typeof newKeyRules | typeof existingKeyRules): void {
  for (const [isBroken, rule] of rules)
    if (isBroken(key)) throw new WaybillError('internal_error', `This object key ${rule}.`);
}

function isTooLong(key: string): boolean {
  return key.length > maxKeyBytes || Buffer.byteLength(key) > maxKeyBytes;
}
