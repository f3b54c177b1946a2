/** The description of a command, from which parsing, help and error messages derive. */
import type { Terminal } from './terminal.ts';

export interface OptionSpec {
  /** Without the dashes. */
  name: string;
  short?: string;
  /** The placeholder of the value in the help. Undefined for a switch, which takes no value. */
  value?: string;
  /** May be given more than once. */
  many?: boolean;
  summary: string;
  /** The default that the help shows. The command itself applies it. */
  fallback?: string;
  /** The environment variable that is read when the option is missing. */
  env?: string;
}

export interface CommandSpec {
  name: string;
  /** Its line in the list of commands. */
  summary: string;
  /** The placeholder of the arguments in the help. Undefined when the command takes none. */
  operands?: string;
  /** Paragraphs, already broken into lines of at most 78 columns. */
  description: string;
  options: readonly OptionSpec[];
  /** Command lines and what they do. */
  examples: readonly (readonly [line: string, effect: string])[];
  /** The exit codes that the command uses. */
  exits: readonly (readonly [code: number, meaning: string])[];
  /** @returns the exit code @throws CliError */
  run(input: CommandInput, terminal: Terminal): Promise<number>;
}

export interface CommandInput {
  /** The value of an option, or of its environment variable. */
  option(name: string): string | undefined;
  /** All values of an option that may be repeated. */
  all(name: string): readonly string[];
  has(name: string): boolean;
  operands: readonly string[];
}
