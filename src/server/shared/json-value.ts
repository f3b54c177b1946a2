/**
 * Rules for the JSON that a client sends as metadata. A value that passes can be serialised, sealed and stored in every
 * database, so that no request of one client fails later, inside a transaction that it shares with others.
 */

/** Nested arrays and objects. The recursion of a validator or of `JSON.stringify` ends far beyond this. */
export const maxJsonDepth = 32;

/** UTF-8 bytes of one upload's metadata as JSON. */
export const maxMetadataBytes = 64 * 1024;

/** Matches a surrogate that has no partner: such text is not UTF-8 and changes when it is stored. */
const loneSurrogate = /\p{Surrogate}/u;

/** The rule that a text breaks, or null. Postgres stores no NUL in text. */
export function findBrokenWireTextRule(text: string): string | null {
  if (text.includes('\0')) return 'must not contain the character U+0000';
  if (loneSurrogate.test(text)) return 'must not contain a lone surrogate: it is not valid Unicode';
  return null;
}

/**
 * The rule that a parsed JSON value breaks, or null. Linear in the size of the value, and never deeper than the limit.
 */
export function findBrokenJsonRule(value: unknown, depth = 0): string | null {
  if (typeof value === 'string') return findBrokenWireTextRule(value);
  if (typeof value !== 'object' || value === null) return null;
  if (depth === maxJsonDepth) return `must not be nested deeper than ${maxJsonDepth} levels`;
  for (const [name, item] of Object.entries(value)) {
    const rule = (Array.isArray(value) ? null : findBrokenWireTextRule(name)) ?? findBrokenJsonRule(item, depth + 1);
    if (rule) return rule;
  }
  return null;
}

/** @returns the UTF-8 bytes of the value as JSON; `value` must have passed {@link findBrokenJsonRule} */
export function jsonBytes(value: unknown): number {
  return value === undefined ? 0 : Buffer.byteLength(JSON.stringify(value));
}
