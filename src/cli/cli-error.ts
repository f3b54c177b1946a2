/** What a person can mend: shown as one or two sentences, never with a stack. */

/** Kept small: scripts compare them. Documented in every command's help. */
export const exitCodes = {
  done: 0,
  /** At least one file was refused or did not get through. */
  failed: 1,
  /** The command line: an unknown word, a missing file, an address that is none. */
  usage: 2,
  /** Something around it: a port that is taken, a folder that cannot be used, a server that does not answer. */
  environment: 3,
  /** Ctrl-C, as shells count it: 128 + SIGINT. */
  interrupted: 130,
} as const;

export class CliError extends Error {
  readonly exitCode: number;
  /** What to do about it, on a line of its own. */
  readonly hint: string | undefined;

  constructor(message: string, options: { exitCode?: number; hint?: string | undefined } = {}) {
    super(message);
    this.name = 'CliError';
    this.exitCode = options.exitCode ?? exitCodes.usage;
    this.hint = options.hint;
  }
}

export function environmentError(message: string, hint?: string): CliError {
  return new CliError(message, { exitCode: exitCodes.environment, hint });
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOENT: 'it does not exist',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EISDIR: 'it is a folder',
  EEXIST: 'a file of that name is in the way',
  EROFS: 'the disk is read-only',
  ENOSPC: 'the disk is full',
  EMFILE: 'too many files are open',
  ELOOP: 'its symbolic links go in a circle',
  ENAMETOOLONG: 'the name is too long',
};

/** A file system error in words; undefined when it is something else. */
export function fileProblem(error: unknown): string | undefined {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (typeof code !== 'string') return undefined;
  return Object.hasOwn(reasons, code) ? reasons[code] : undefined;
}
