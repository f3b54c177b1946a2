import { constants } from 'node:fs';
import { access, readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { isOrdinary } from '../../client/folders.ts';
import { CliError, fileProblem } from '../cli-error.ts';
import { printable } from '../terminal.ts';

export interface FileToSend {
  /** Null is standard input. */
  path: string | null;
  /** As it was typed; below a folder with the rest of its path. */
  shown: string;
  /** Of what was found in a folder: from that folder on, with `/` between. */
  relativePath?: string;
}

const stdin = '-';

/** All of them or none: half an upload because of a typo is worse than none. @throws CliError naming every bad one */
export async function readFiles(operands: readonly string[], cwd: string): Promise<FileToSend[]> {
  if (operands.length === 0)
    throw new CliError('Which files?', { hint: 'waybill up FILE... --to URL --route NAME    (waybill up --help)' });
  if (operands.filter((operand) => operand === stdin).length > 1)
    throw new CliError('Standard input can be sent once only.');
  const problems: string[] = [];
  const files: FileToSend[] = [];
  for (const shown of operands) {
    if (shown === stdin) {
      files.push({ path: null, shown });
      continue;
    }
    const path = resolve(cwd, shown);
    const before = files.length;
    await take({ path, shown }, files, problems);
    const first = files[before];
    if (problems.length === 0 && !first) problems.push(`${printable(shown)}: there is no file in it`);
  }
  if (problems.length === 0) return files;
  const [first, ...more] = problems;
  throw new CliError(`${first}`, { hint: [...more.slice(0, 20), 'Nothing was sent.'].join(' ') });
}

/** A link is followed where it was typed, and to files; a link to a folder inside a folder may lead in a circle. */
async function take(
  { path, shown, relativePath }: FileToSend & { path: string },
  files: FileToSend[],
  problems: string[],
): Promise<void> {
  try {
    const facts = await stat(path);
    if (facts.isDirectory()) {
      for (const entry of (await readdir(path, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1))) {
        const { name } = entry;
        const below = join(path, name);
        if (!isOrdinary({ fileName: name })) continue;
        if (entry.isSymbolicLink() && (await stat(below)).isDirectory()) continue;
        await take(
          { path: below, shown: join(shown, name), relativePath: `${relativePath ?? basename(path)}/${name}` },
          files,
          problems,
        );
      }
      return;
    }
    if (!facts.isFile()) {
      problems.push(`${printable(shown)}: it is not a file`);
      return;
    }
    await access(path, constants.R_OK);
    files.push({ path, shown, ...(relativePath !== undefined && { relativePath }) });
  } catch (error) {
    problems.push(`${printable(shown)}: ${fileProblem(error) ?? 'it cannot be read'}`);
  }
}
