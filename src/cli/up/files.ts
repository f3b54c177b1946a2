/** Finds the files that the arguments of `waybill up` name. */
import { constants, type Stats } from 'node:fs';
import { access, readdir, stat } from 'node:fs/promises';
import { basename, join, resolve, sep } from 'node:path';
import { isOrdinary } from '../../client/folders.ts';
import { CliError, describeFileError } from '../cli-error.ts';
import { printable } from '../terminal.ts';

export interface FileToSend {
  /** Null for standard input. A Buffer for a name that is not UTF-8. */
  path: string | Buffer | null;
  /** The path as the user typed it. For a file in a folder, the path inside the folder is added. */
  shown: string;
  /** For a file in a folder: the path from that folder on, separated by `/`. */
  relativePath?: string;
}

const stdin = '-';

export interface FilesToSend {
  files: FileToSend[];
  /** Describes the entries of folders that are not files (broken links, pipes, sockets), and are not sent. */
  skipped: string[];
}

/**
 * Finds all files first, so that a typing error does not send only some of them.
 *
 * @throws CliError that names everything that cannot be read
 */
export async function readFiles(operands: readonly string[], cwd: string): Promise<FilesToSend> {
  if (operands.length === 0)
    throw new CliError('No files were given.', { hint: 'Usage: waybill up FILE... --to URL --route NAME' });
  if (operands.filter((operand) => operand === stdin).length > 1)
    throw new CliError('Standard input can be sent only once.');
  const problems: string[] = [];
  const skipped: string[] = [];
  const files: FileToSend[] = [];
  for (const shown of operands) {
    if (shown === stdin) {
      files.push({ path: null, shown });
      continue;
    }
    const path = resolve(cwd, shown);
    const before = files.length;
    const problem = await findProblem(path, async (facts) => {
      if (facts.isDirectory()) return addFolder({ path: Buffer.from(path), shown, relativePath: basename(path) });
      return facts.isFile() ? addFile({ path, shown }) : 'it is not a file';
    });
    if (problem) problems.push(`${printable(shown)}: ${problem}`);
    if (problems.length === 0 && files.length === before) problems.push(`${printable(shown)}: it contains no files`);
  }
  if (problems.length === 0) return { files, skipped };
  const [first, ...more] = problems;
  throw new CliError(`${first}`, { hint: [...more.slice(0, 20), 'Nothing was sent.'].join(' ') });

  async function addFile(file: FileToSend & { path: string | Buffer }): Promise<undefined> {
    await access(file.path, constants.R_OK);
    files.push(file);
  }

  async function addFolder({
    path,
    shown,
    relativePath,
  }: {
    path: Buffer;
    shown: string;
    relativePath: string;
  }): Promise<undefined> {
    // Names are read as bytes, because a name that is not UTF-8 would be decoded to a name that does not exist.
    const entries = await readdir(path, { withFileTypes: true, encoding: 'buffer' });
    for (const entry of entries.sort((a, b) => Buffer.compare(a.name, b.name))) {
      const name = entry.name.toString();
      if (!isOrdinary({ fileName: name })) continue;
      const bytes = Buffer.concat([path, Buffer.from(sep), entry.name]);
      const below = { shown: join(shown, name), relativePath: `${relativePath}/${name}` };
      let reason: string | undefined;
      const problem = await findProblem(bytes, async (facts) => {
        // Links to folders are not followed, because they may form a circle.
        if (facts.isDirectory()) return entry.isSymbolicLink() ? undefined : addFolder({ path: bytes, ...below });
        if (facts.isFile())
          return addFile({ path: Buffer.from(name).equals(entry.name) ? `${bytes}` : bytes, ...below });
        reason = 'it is not a file';
        return undefined;
      });
      if (problem && entry.isSymbolicLink()) reason = 'its link is broken';
      if (reason) skipped.push(`${printable(below.shown)}: ${reason}`);
      else if (problem) problems.push(`${printable(below.shown)}: ${problem}`);
    }
  }
}

/** Describes why the path cannot be used. Undefined when it can be used. */
async function findProblem(
  path: string | Buffer,
  use: (facts: Stats) => Promise<string | undefined>,
): Promise<string | undefined> {
  try {
    return await use(await stat(path));
  } catch (error) {
    return describeFileError(error) ?? 'it cannot be read';
  }
}
