/** Parses a command line with node:util, with error messages of its own. */
import { parseArgs } from 'node:util';
import { CliError } from './cli-error.ts';
import type { CommandInput, CommandSpec, OptionSpec } from './command.ts';
import { suggest } from './suggest.ts';

const helpOption: OptionSpec = { name: 'help', short: 'h', summary: 'Show this help' };

export function withHelp(options: readonly OptionSpec[]): readonly OptionSpec[] {
  return [...options, helpOption];
}

/** @throws CliError when the command line does not fit the command */
export function parseCommand(
  command: CommandSpec,
  args: readonly string[],
  env: (name: string) => string | undefined,
): CommandInput {
  const specs = new Map(withHelp(command.options).map((spec) => [spec.name, spec]));
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      [...specs.values()].map(({ name, short, value }) => [
        name,
        { type: value ? ('string' as const) : ('boolean' as const), multiple: true, ...(short ? { short } : {}) },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given = new Map<string, string[]>();
  const operands: string[] = [];
  const hint = `For help: waybill ${command.name} --help`;
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value);
    if (token.kind !== 'option') continue;
    const spec = specs.get(token.name);
    if (!spec) throw unknownOptionError(token.rawName, [...specs.keys()], hint);
    const already = given.get(spec.name) ?? [];
    if (!spec.value) {
      if (token.value !== undefined) throw new CliError(`--${spec.name} takes no value.`, { hint });
      given.set(spec.name, already);
      continue;
    }
    // In `--port --json` the value of --port is missing.
    const isMissing = token.value === undefined || (!token.inlineValue && token.value.startsWith('--'));
    if (isMissing) throw new CliError(`--${spec.name} needs a value: --${spec.name} ${spec.value}`, { hint });
    if (already.length > 0 && !spec.many) throw new CliError(`--${spec.name} is given twice.`, { hint });
    given.set(spec.name, [...already, token.value as string]);
  }
  if (!command.operands && operands[0] !== undefined && !given.has('help'))
    throw new CliError(`waybill ${command.name} takes no arguments, but got "${operands[0]}".`, { hint });
  const all = (name: string): readonly string[] => {
    const values = given.get(name);
    if (values) return values;
    const variable = specs.get(name)?.env;
    const value = variable === undefined ? undefined : env(variable);
    return value === undefined ? [] : [value];
  };
  return { all, option: (name) => all(name).at(-1), has: (name) => given.has(name), operands };
}

function unknownOptionError(rawName: string, known: readonly string[], hint: string): CliError {
  const near = suggest(rawName.replace(/^-+/, ''), known);
  return new CliError(`There is no option ${rawName}.${near ? ` Did you mean --${near}?` : ''}`, { hint });
}

/** Parses a port; 0 stands for any free port. @throws CliError when the text is not a port */
export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535))
    throw new CliError(`"${text}" is not a port. A port is a number from 1 to 65535, or 0 for any free port.`);
  return port;
}
