/** Where `waybill up` remembers what it has not finished: grants, which are secrets, so for this user only. */
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileResumeStore, type Resumable, type ResumeStore } from '../../client/node/index.ts';
import { describeFileError, environmentError } from '../cli-error.ts';
import type { Terminal } from '../terminal.ts';

/** @param given as typed @throws CliError when a folder that was asked for cannot be used; the usual one is a convenience */
export async function openState(given: string | undefined, { cwd, env }: Terminal): Promise<ResumeStore | null> {
  const dir = given === undefined ? usualDir(env) : resolve(cwd, given);
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    return fileResumeStore(dir);
  } catch (error) {
    if (given === undefined) return null;
    throw environmentError(
      `${given} cannot be used: ${describeFileError(error) ?? error}.`,
      'Choose another folder with --state PATH.',
    );
  }
}

/** https://specifications.freedesktop.org/basedir-spec/latest/ and its like on Windows. */
function usualDir(env: Terminal['env']): string {
  const base =
    env('XDG_STATE_HOME') ??
    (process.platform === 'win32' ? env('LOCALAPPDATA') : undefined) ??
    join(env('HOME') ?? homedir(), '.local', 'state');
  return join(base, 'waybill', 'uploads');
}

/** What an earlier run began of this very path, whatever the file is now. See `fingerprint` in client/node/file-source.ts. */
export function leftOf(all: readonly Resumable[], route: string, path: string): Resumable[] {
  return all.filter(({ endpoint, fingerprint }) => {
    const beginning = `${endpoint} ${route} ${path} `;
    return fingerprint.startsWith(beginning) && /^\d+ [\d.]+ \[/.test(fingerprint.slice(beginning.length));
  });
}
