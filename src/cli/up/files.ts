import { constants, type Stats } from 'node:fs';
import { access, readdir, stat } from 'node:fs/promises';
import { basename, join, resolve, sep } from 'node:path';
import { isOrdinary } from '../../client/folders.ts';
import { CliError, describeFileError } from '../cli-error.ts';
import { printable } from '../terminal.ts';

export interface FileToSend {
  /** Null is standard input; bytes where a name is not UTF-8. */
  path: string | Buffer | null;
  /** As it was typed; below a folder with the rest of its path. */
  shown: string;
  /** Of what was found in a folder: from that folder on, with `/` between. */
  relativePath?: string;
}

const stdin = '-';

export interface FilesToSend {
  files: FileToSend[];
  /** What folders hold that is not a file, and is left out: broken links, pipes, sockets. Each in words. */
  skipped: string[];
}

/**
 * All of them or none: half an upload because of a typo is worse than none.
 *
 * @throws CliError naming every operand that cannot be sent, and every file of a folder that cannot be read
 */
export async function readFiles(operands: readonly string[], cwd: string): Promise<FilesToSend> {
  if (operands.length === 0)
    throw new CliError('Which files?', { hint: 'waybill up FILE... --to URL --route NAME    (waybill up --help)' });
  if (operands.filter((operand) => operand === stdin).length > 1)
    throw new CliError('Standard input can be sent once only.');
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
    const problem = await problemOf(path, async (facts) => {
      if (facts.isDirectory()) return takeFolder({ path: Buffer.from(path), shown, relativePath: basename(path) });
      return facts.isFile() ? takeFile({ path, shown }) : 'it is not a file';
    });
    if (problem) problems.push(`${printable(shown)}: ${problem}`);
    if (problems.length === 0 && files.length === before) problems.push(`${printable(shown)}: there is no file in it`);
  }
  if (problems.length === 0) return { files, skipped };
  const [first, ...more] = problems;
  throw new CliError(`${first}`, { hint: [...more.slice(0, 20), 'Nothing was sent.'].join(' ') });

  async function takeFile(file: FileToSend & { path: string | Buffer }): Promise<undefined> {
    await access(file.path, constants.R_OK);
    files.push(file);
  }

  async function takeFolder({
    path,
    shown,
    relativePath,
  }: {
    path: Buffer;
    shown: string;
    relativePath: string;
  }): Promise<undefined> {
    // As bytes: a name that is not UTF-8 would otherwise be read as another name, of which there is no file.
    const entries = await readdir(path, { withFileTypes: true, encoding: 'buffer' });
    for (const entry of entries.sort((a, b) => Buffer.compare(a.name, b.name))) {
      const name = entry.name.toString();
      if (!isOrdinary({ fileName: name })) continue;
      const bytes = Buffer.concat([path, Buffer.from(sep), entry.name]);
      const below = { shown: join(shown, name), relativePath: `${relativePath}/${name}` };
      let reason: string | undefined;
      const problem = await problemOf(bytes, async (facts) => {
        // A link to a folder inside a folder may lead in a circle.
        if (facts.isDirectory()) return entry.isSymbolicLink() ? undefined : takeFolder({ path: bytes, ...below });
        if (facts.isFile())
          return takeFile({ path: Buffer.from(name).equals(entry.name) ? `${bytes}` : bytes, ...below });
        reason = 'it is not a file';
        return undefined;
      });
      if (problem && entry.isSymbolicLink()) reason = 'its link leads nowhere';
      if (reason) skipped.push(`${printable(below.shown)}: ${reason}`);
      else if (problem) problems.push(`${printable(below.shown)}: ${problem}`);
    }
  }
}

/** Looks at what the path names, and says in words why it cannot be used; undefined when it can. */
async function problemOf(
  path: string | Buffer,
  use: (facts: Stats) => Promise<string | undefined>,
): Promise<string | undefined> {
  try {
    return await use(await stat(path));
  } catch (error) {
    return describeFileError(error) ?? 'it cannot be read';
  }
}
