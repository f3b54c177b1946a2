import { WaybillError } from '../../protocol/index.ts';

export type OptionCheck = (value: unknown) => boolean;

/** One row for each option: its name, what it must be in words, the check, and whether it must be given. */
export type OptionTable = readonly (readonly [
  name: string,
  expected: string,
  check: OptionCheck,
  required?: boolean,
])[];

/** @throws {WaybillError} `config_invalid` for an option that is unknown, missing or wrong */
export function checkOptions(what: string, given: object, table: OptionTable): void {
  const known = new Map(table.map((row) => [row[0], row]));
  for (const name of Object.keys(given))
    if (!known.has(name))
      throw new WaybillError(
        'config_invalid',
        `${what} has an unknown option \`${name}\`; it takes ${[...known.keys()].join(', ')}.`,
      );
  for (const [name, expected, check, required] of table) {
    const value = (given as Record<string, unknown>)[name];
    if (value === undefined ? required : !check(value))
      throw new WaybillError('config_invalid', `${what} needs \`${name}\` to be ${expected}.`);
  }
}
