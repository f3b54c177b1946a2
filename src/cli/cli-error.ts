/** Errors that the user can correct. They are shown as one or two sentences, without a stack. */

/** There are few exit codes, because scripts compare them. The help of each command explains those that it uses. */
export const exitCodes = {
  done: 0,
  /** The command ran, and something did not succeed, such as one of several files. */
  failed: 1,
  /** The command line or the configuration is wrong. */
  usage: 2,
  /** The environment: a port in use, a folder that cannot be used, a server that does not answer. */
  environment: 3,
  /** Stopped with Ctrl-C: 128 + SIGINT, as in shells. */
  interrupted: 130,
} as const;

export class CliError extends Error {
  readonly exitCode: number;
  /** What to do next, shown on a line of its own. */
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
  EEXIST: 'a file with that name exists',
  EROFS: 'the disk is read-only',
  ENOSPC: 'the disk is full',
  EMFILE: 'too many files are open',
  ELOOP: 'its symbolic links go in a circle',
  ENAMETOOLONG: 'the name is too long',
};

/** Describes an error of the file system in words. Undefined for any other error. */
export function describeFileError(error: unknown): string | undefined {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (typeof code !== 'string') return undefined;
  return Object.hasOwn(reasons, code) ? reasons[code] : undefined;
}
