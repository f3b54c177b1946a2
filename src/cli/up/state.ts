/** The folder of unfinished uploads of `waybill up`. It contains grants, so only its user can read it. */
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileResumeStore, type Resumable, type ResumeStore } from '../../client/node/index.ts';
import { describeFileError, environmentError } from '../cli-error.ts';
import type { Terminal } from '../terminal.ts';

/**
 * @returns null when the default folder cannot be used: uploads then cannot be resumed
 * @throws CliError when a chosen folder cannot be used
 */
export async function openState(chosen: string | undefined, { cwd, env }: Terminal): Promise<ResumeStore | null> {
  const dir = chosen === undefined ? defaultDir(env) : resolve(cwd, chosen);
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    return fileResumeStore(dir);
  } catch (error) {
    if (chosen === undefined) return null;
    throw environmentError(
      `${chosen} cannot be used: ${describeFileError(error) ?? error}.`,
      'Choose another folder with --state PATH.',
    );
  }
}

/** Follows https://specifications.freedesktop.org/basedir-spec/latest/, and on Windows uses %LOCALAPPDATA%. */
function defaultDir(env: Terminal['env']): string {
  const base =
    env('XDG_STATE_HOME') ??
    (process.platform === 'win32' ? env('LOCALAPPDATA') : undefined) ??
    join(env('HOME') ?? homedir(), '.local', 'state');
  return join(base, 'waybill', 'uploads');
}

/** Finds uploads of this path, even if the file has changed. See `fingerprint` in client/node/file-source.ts. */
export function findUnfinished(all: readonly Resumable[], route: string, path: string): Resumable[] {
  return all.filter(({ endpoint, fingerprint }) => {
    const prefix = `${endpoint} ${route} ${path} `;
    return fingerprint.startsWith(prefix) && /^\d+ [\d.]+ \[/.test(fingerprint.slice(prefix.length));
  });
}
