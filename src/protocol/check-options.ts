/** Checks the options of factories against a table of rules. */
import { WaybillError } from './errors.ts';

export interface OptionRule {
  /** What a valid value is. It ends the sentence "createUploads() needs `routes` to be ...". */
  expected: string;
  isValid: (value: unknown) => boolean;
  required?: true;
}

/** One rule for each option of the type, so that a new option cannot be forgotten. */
export type OptionTable<Options extends object> = Readonly<Record<keyof Options, OptionRule>>;

/**
 * Checks the options of a factory. An unknown option is an error, so that a misspelt one is not ignored.
 *
 * @param name what has the options, such as `createUploads()`
 * @throws {WaybillError} `config_invalid`, which names the option but not its value: that may be a password
 */
export function checkOptions<Options extends object>(name: string, given: Options, table: OptionTable<Options>): void {
  if (!isObject(given)) throw new WaybillError('config_invalid', `${name} takes an object.`);
  for (const option of Object.keys(given))
    if (!Object.hasOwn(table, option))
      throw new WaybillError(
        'config_invalid',
        `${name} has an unknown option \`${option}\`. Its options are ${Object.keys(table).join(', ')}.`,
      );
  for (const [option, { expected, isValid, required }] of Object.entries<OptionRule>(table)) {
    const value = (given as Record<string, unknown>)[option];
    if (value === undefined ? required : !isValid(value))
      throw new WaybillError('config_invalid', `${name} needs \`${option}\` to be ${expected}.`);
  }
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** A valid value is a whole number in this range, both ends included. */
export function isWholeNumber(min: number, max: number): OptionRule['isValid'] {
  return (value) => Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
}

export function isMatchingText(pattern: RegExp): OptionRule['isValid'] {
  return (value) => typeof value === 'string' && pattern.test(value);
}

/** A valid value is a list with at least one item, and every item is valid. */
export function isListOf(isItem: OptionRule['isValid']): OptionRule['isValid'] {
  return (value) => Array.isArray(value) && value.length > 0 && value.every(isItem);
}

export const functionRule: OptionRule = {
  expected: 'a function',
  isValid: (value) => typeof value === 'function',
};

export const booleanRule: OptionRule = {
  expected: 'true or false',
  isValid: (value) => typeof value === 'boolean',
};

export function wholeNumberRule(min: number, max: number): OptionRule {
  return {
    expected: `a whole number from ${groupDigits(min)} to ${groupDigits(max)}`,
    isValid: isWholeNumber(min, max),
  };
}

/** Inserts commas. `toLocaleString()` would load locale data, which delays a cold start by milliseconds. */
function groupDigits(value: number): string {
  const digits = String(value);
  const groups = [];
  for (let end = digits.length; end > 0; end -= 3) groups.unshift(digits.slice(Math.max(0, end - 3), end));
  return groups.join(',');
}
