/** What a ledger may be told. An unknown option is an error: a misspelt one would be ignored for ever. */
import { WaybillError } from '../protocol/index.ts';

export type OptionTable = Readonly<Record<string, { is: string; check: (value: unknown) => boolean; required?: true }>>;

const isFunction = (value: unknown) => typeof value === 'function';
const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) > 0;
const isBoolean = (value: unknown) => typeof value === 'boolean';

const common: OptionTable = {
  migrate: { is: 'true or false', check: isBoolean },
  check: { is: 'true or false', check: isBoolean },
  now: { is: 'a function', check: isFunction },
  onQuery: { is: 'a function', check: isFunction },
};

export const sqliteOptions: OptionTable = {
  ...common,
  file: { is: 'the name of a file', check: (value) => typeof value === 'string' && value !== '', required: true },
  busyTimeoutMs: { is: 'a whole number above 0', check: isCount },
};

export const postgresOptions: OptionTable = {
  ...common,
  connectionString: {
    is: 'such as postgres://user:password@host/database',
    check: (value) => typeof value === 'string' && /^postgres(ql)?:\/\//.test(value),
    required: true,
  },
  maxConnections: { is: 'a whole number above 0', check: isCount },
  timeoutMs: { is: 'a whole number above 0', check: isCount },
  onError: { is: 'a function', check: isFunction },
};

/** @throws {WaybillError} `config_invalid`; it names the option, and never its value: that may hold a password */
export function checkOptions(what: string, given: object, table: OptionTable): void {
  for (const name of Object.keys(given))
    if (!Object.hasOwn(table, name))
      throw new WaybillError(
        'config_invalid',
        `${what} has an unknown option \`${name}\`; it takes ${Object.keys(table).join(', ')}.`,
      );
  for (const [name, { is, check, required }] of Object.entries(table)) {
    const value = (given as Record<string, unknown>)[name];
    if (value === undefined ? required : !check(value))
      throw new WaybillError('config_invalid', `${what} needs \`${name}\` to be ${is}.`);
  }
}
