/**
 * Starts processes that are measured or that help to measure. They are pinned to a core where possible, and end with
 * their parent.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

/** Pinning needs a second core for the process that generates the load. */
export const canPin =
  process.platform === 'linux' && availableParallelism() > 1 && spawnSync('taskset', ['-c', '0', 'true']).status === 0;

/** One core for the measured process, and one for all others. */
export const measuredCore = 0;
export const otherCore = 1;

/** @param {number | undefined} core @param {readonly string[]} args of node @returns {[string, string[]]} */
export function command(core, args) {
  if (core === undefined || !canPin) return [process.execPath, [...args]];
  return ['taskset', ['-c', String(core), process.execPath, ...args]];
}

/** The environment without the Node options of the user. */
export const childEnvironment = { ...process.env, NODE_OPTIONS: '' };

/**
 * Starts a module that gets `argument` as JSON in argv[2] and sends a message when it is ready.
 * @param {URL} module
 * @param {unknown} argument
 * @param {{ core?: number, nodeArgs?: readonly string[] }} [options]
 */
export async function startChild(module, argument, { core, nodeArgs = [] } = {}) {
  const [file, args] = command(core, [...nodeArgs, fileURLToPath(module), JSON.stringify(argument)]);
  const child = spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], env: childEnvironment });
  const gone = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`${fileURLToPath(module)} ended early (${signal ?? code}).`);
  });
  gone.catch(() => {});
  const next = () => Promise.race([once(child, 'message').then(([message]) => message), gone]);
  return {
    pid: child.pid,
    ready: await next(),
    /** Sends a message and waits for the answer. */
    ask(message) {
      const answer = next();
      child.send(message);
      return answer;
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill();
      await gone.catch(() => {});
    },
  };
}
