import { open, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CliError, fileProblem } from '../cli-error.ts';
import { printable } from '../terminal.ts';

export interface FileToSend {
  path: string;
  /** As it was typed. */
  shown: string;
}

/** All of them or none: half an upload because of a typo is worse than none. @throws CliError naming every bad one */
export async function readFiles(operands: readonly string[], cwd: string): Promise<FileToSend[]> {
  if (operands.length === 0)
    throw new CliError('Which files?', { hint: 'waybill up FILE... --to URL --route NAME    (waybill up --help)' });
  const problems: string[] = [];
  const files: FileToSend[] = [];
  for (const shown of operands) {
    const path = resolve(cwd, shown);
    const problem = await problemOf(path);
    if (problem) problems.push(`${printable(shown)}: ${problem}`);
    else files.push({ path, shown });
  }
  if (problems.length === 0) return files;
  const [first, ...more] = problems;
  throw new CliError(`${first}`, { hint: [...more, 'Nothing was sent.'].join(' ') });
}

async function problemOf(path: string): Promise<string | undefined> {
  try {
    const facts = await stat(path);
    if (facts.isDirectory()) return 'it is a folder; send the files in it';
    if (!facts.isFile()) return 'it is not a file';
    await (await open(path)).close();
    return undefined;
  } catch (error) {
    return fileProblem(error) ?? 'it cannot be read';
  }
}
