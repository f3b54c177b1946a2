/** The options of a ledger. An unknown option is an error, so that a misspelt one is not ignored. */
import { WaybillError } from '../protocol/index.ts';

export type OptionTable = Readonly<
  Record<string, { expected: string; isValid: (value: unknown) => boolean; required?: true }>
>;

const isFunction = (value: unknown) => typeof value === 'function';
const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) > 0;
const isBoolean = (value: unknown) => typeof value === 'boolean';

const common: OptionTable = {
  migrate: { expected: 'true or false', isValid: isBoolean },
  check: { expected: 'true or false', isValid: isBoolean },
  now: { expected: 'a function', isValid: isFunction },
  onQuery: { expected: 'a function', isValid: isFunction },
};

export const sqliteOptions: OptionTable = {
  ...common,
  file: {
    expected: 'the name of a file',
    isValid: (value) => typeof value === 'string' && value !== '',
    required: true,
  },
  busyTimeoutMs: { expected: 'a whole number above 0', isValid: isCount },
};

export const postgresOptions: OptionTable = {
  ...common,
  connectionString: {
    expected: 'a URL such as postgres://user:password@host/database',
    isValid: (value) => typeof value === 'string' && /^postgres(ql)?:\/\//.test(value),
    required: true,
  },
  maxConnections: { expected: 'a whole number above 0', isValid: isCount },
  timeoutMs: { expected: 'a whole number above 0', isValid: isCount },
  onError: { expected: 'a function', isValid: isFunction },
};

/** @throws {WaybillError} `config_invalid`, which names the option but not its value: that may be a password */
export function checkOptions(functionName: string, given: object, table: OptionTable): void {
  for (const name of Object.keys(given))
    if (!Object.hasOwn(table, name))
      throw new WaybillError(
        'config_invalid',
        `${functionName} has an unknown option \`${name}\`. Its options are ${Object.keys(table).join(', ')}.`,
      );
  for (const [name, { expected, isValid, required }] of Object.entries(table)) {
    const value = (given as Record<string, unknown>)[name];
    if (value === undefined ? required : !isValid(value))
      throw new WaybillError('config_invalid', `${functionName} needs \`${name}\` to be ${expected}.`);
  }
}
