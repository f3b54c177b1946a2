/** What a command is made of. Parsing, help and errors all derive from these tables. */
import type { Terminal } from './terminal.ts';

export interface OptionSpec {
  /** Without the dashes. */
  name: string;
  short?: string;
  /** What stands for the value in the help; absent: a switch. */
  value?: string;
  /** May be given more than once. */
  many?: boolean;
  summary: string;
  /** As the help shows it; the command applies it. */
  fallback?: string;
  /** Read when the option is not given. */
  env?: string;
}

export interface CommandSpec {
  name: string;
  /** One line in the list of commands. */
  summary: string;
  /** What stands for the other arguments in the help; absent: the command takes none. */
  operands?: string;
  /** A paragraph or two, already broken into lines of at most 78 columns. */
  description: string;
  options: readonly OptionSpec[];
  /** Command lines and what they do. */
  examples: readonly (readonly [line: string, effect: string])[];
  /** Code and meaning, as the help shows them. */
  exits: readonly (readonly [code: number, meaning: string])[];
  /** Resolves with the exit code. @throws CliError */
  run(input: CommandInput, terminal: Terminal): Promise<number>;
}

export interface CommandInput {
  /** The last one given, or from the environment. */
  option(name: string): string | undefined;
  /** Every one given. */
  all(name: string): readonly string[];
  has(name: string): boolean;
  operands: readonly string[];
}
