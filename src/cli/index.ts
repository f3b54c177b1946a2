/**
 * cli: the `waybill` command. It is the only module that reads the environment, opens ports and writes to a terminal;
 * everything else comes from the other modules.
 */
import { readFileSync } from 'node:fs';
import { CliError, exitCodes } from './cli-error.ts';
import type { CommandSpec } from './command.ts';
import { devCommand } from './dev/command.ts';
import { devstoreCommand } from './devstore-command.ts';
import { commandHelp, overview } from './help.ts';
import { migrateCommand } from './migrate-command.ts';
import { parseCommand } from './parse.ts';
import { serveCommand } from './serve/command.ts';
import { suggest } from './suggest.ts';
import { sweepCommand } from './sweep-command.ts';
import { createPaint, printable, type Terminal } from './terminal.ts';
import { upCommand } from './up/command.ts';
import { webhooksCommand } from './webhooks-command.ts';

export type { Terminal } from './terminal.ts';

export const commands: readonly CommandSpec[] = [
  devCommand,
  upCommand,
  serveCommand,
  sweepCommand,
  webhooksCommand,
  migrateCommand,
  devstoreCommand,
];

/** Runs a command line and prints the errors that the user can correct. @returns the exit code */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    return await dispatch(args, terminal);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    const paint = createPaint(terminal.colours);
    terminal.err(`${paint('red', 'waybill:')} ${printable(error.message)}`);
    if (error.hint) terminal.err(printable(error.hint));
    return error.exitCode;
  }
}

async function dispatch(args: readonly string[], terminal: Terminal): Promise<number> {
  const [word, ...rest] = args;
  if (word === undefined || word === '--help' || word === '-h' || word === 'help') return help(rest[0], terminal);
  if (word === '--version' || word === '-v') {
    terminal.out(readVersion());
    return exitCodes.done;
  }
  const command = findCommand(word);
  const input = parseCommand(command, rest, terminal.env);
  if (input.has('help')) {
    terminal.out(commandHelp(command));
    return exitCodes.done;
  }
  return command.run(input, terminal);
}

function help(about: string | undefined, terminal: Terminal): number {
  terminal.out(about === undefined ? overview(commands, readVersion()) : commandHelp(findCommand(about)));
  return exitCodes.done;
}

function findCommand(word: string): CommandSpec {
  const command = commands.find(({ name }) => name === word);
  if (command) return command;
  const names = commands.map(({ name }) => name);
  const near = suggest(word, names);
  const message = word.startsWith('-')
    ? `There is no option ${word} before a command.`
    : `There is no command "${word}".`;
  throw new CliError(`${message}${near ? ` Did you mean ${near}?` : ''}`, {
    hint: `Commands: ${names.join(', ')}. For help: waybill --help`,
  });
}

/** Reads the manifest of the package, which is two folders above both dist/cli and src/cli. */
function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return String((manifest as { version?: unknown }).version);
}
