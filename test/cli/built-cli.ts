/**
 * The CLI as a process, bundled from the sources beside a newly built page, with the folders of the package. It is
 * built in .cache, so that Node finds the dependencies.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildPage } from '../support/built-page.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface BuiltCli {
  main: string;
  pageDir: string;
  remove(): Promise<void>;
}

export async function buildCli(): Promise<BuiltCli> {
  const cache = join(root, '.cache');
  await mkdir(cache, { recursive: true });
  const dir = await mkdtemp(join(cache, 'test-cli-'));
  const main = join(dir, 'dist/cli/main.js');
  await build({
    entryPoints: [join(root, 'src/cli/main.ts')],
    outdir: dirname(main),
    bundle: true,
    // Lazily loaded modules are separate files, as in the package.
    splitting: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
  });
  await copyFile(join(root, 'package.json'), join(dir, 'package.json'));
  const pageDir = await buildPage(join(dir, 'dist/web'));
  return { main, pageDir, remove: () => rm(dir, { recursive: true, force: true }) };
}

export interface Running {
  child: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** Resolves with the match as soon as stdout has it. Rejects with all output when the process ends before. */
  says(pattern: RegExp): Promise<RegExpMatchArray>;
  /** Resolves with the exit code. */
  ended: Promise<number | null>;
  /** Sends SIGINT and waits for the end. */
  stop(): Promise<number | null>;
}

export function spawnCli(
  main: string,
  args: readonly string[],
  options: { cwd: string; env?: Record<string, string>; stdin?: 'ignore' | 'pipe'; maxOpenFiles?: number | undefined },
): Running {
  const { maxOpenFiles } = options;
  const command = [process.execPath, main, ...args];
  // Only a shell can lower the limit of open files before Node starts.
  if (maxOpenFiles !== undefined) command.unshift('bash', '-c', `ulimit -n ${maxOpenFiles}; exec "$0" "$@"`);
  const child = spawn(command[0] as string, command.slice(1), {
    cwd: options.cwd,
    // Unfinished uploads must not be kept in the home folder of the user who runs the tests.
    env: { PATH: process.env.PATH ?? '', HOME: options.cwd, ...options.env },
    stdio: [options.stdin ?? 'ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const watchers = new Set<() => void>();
  child.stdout?.on('data', (data: Buffer) => {
    stdout += data.toString();
    for (const watch of watchers) watch();
  });
  child.stderr?.on('data', (data: Buffer) => {
    stderr += data.toString();
  });
  const ended = once(child, 'close').then(([code]) => {
    for (const watch of watchers) watch();
    return code as number | null;
  });
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    says: (pattern) =>
      new Promise((resolve, reject) => {
        const watch = () => {
          const match = pattern.exec(stdout);
          if (match) resolve(match);
          else if (child.exitCode !== null || child.signalCode !== null)
            reject(
              new Error(
                `The process ended with ${child.exitCode ?? child.signalCode}. Its output:\n${stdout}\n${stderr}`,
              ),
            );
          else return;
          watchers.delete(watch);
        };
        watchers.add(watch);
        watch();
      }),
    async stop() {
      child.kill('SIGINT');
      return ended;
    },
  };
}
