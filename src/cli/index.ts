/**
 * cli: the `waybill` command. It is the only module that reads the environment, opens ports and writes to a terminal;
 * everything else comes from the other modules.
 */
import { readFileSync } from 'node:fs';
import { CliError, exitCodes } from './cli-error.ts';
import type { CommandSpec } from './command.ts';
import { commandHelp, overview } from './help.ts';
import { parseCommand } from './parse.ts';
import { suggest } from './suggest.ts';
import { createPaint, printable, type Terminal } from './terminal.ts';

export type { Terminal } from './terminal.ts';

/** A command is loaded when it is called: together, the commands load every dependency of the package. */
const loaders: ReadonlyMap<string, () => Promise<CommandSpec>> = new Map([
  ['dev', async () => (await import('./dev/command.ts')).devCommand],
  ['up', async () => (await import('./up/command.ts')).upCommand],
  ['serve', async () => (await import('./serve/command.ts')).serveCommand],
  ['sweep', async () => (await import('./sweep-command.ts')).sweepCommand],
  ['webhooks', async () => (await import('./webhooks-command.ts')).webhooksCommand],
  ['migrate', async () => (await import('./migrate-command.ts')).migrateCommand],
  ['devstore', async () => (await import('./devstore-command.ts')).devstoreCommand],
]);

export function loadCommands(): Promise<CommandSpec[]> {
  return Promise.all([...loaders.values()].map((load) => load()));
}

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
  const command = await loadCommand(word);
  const input = parseCommand(command, rest, terminal.env);
  if (input.has('help')) {
    terminal.out(commandHelp(command));
    return exitCodes.done;
  }
  return command.run(input, terminal);
}

async function help(about: string | undefined, terminal: Terminal): Promise<number> {
  const isOverview = about === undefined;
  terminal.out(isOverview ? overview(await loadCommands(), readVersion()) : commandHelp(await loadCommand(about)));
  return exitCodes.done;
}

async function loadCommand(word: string): Promise<CommandSpec> {
  const load = loaders.get(word);
  if (load) return load();
  const names = [...loaders.keys()];
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
