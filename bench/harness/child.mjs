/** Processes that are measured or that help measuring: pinned where the machine allows it, ended with their parent. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

/** Pinning needs a second core for whoever makes the load. */
export const canPin =
  process.platform === 'linux' && availableParallelism() > 1 && spawnSync('taskset', ['-c', '0', 'true']).status === 0;

/** Cores: one for what is measured, one for the rest. */
export const measuredCore = 0;
export const otherCore = 1;

/** @param {number | undefined} core @param {readonly string[]} args of node @returns {[string, string[]]} */
export function command(core, args) {
  if (core === undefined || !canPin) return [process.execPath, [...args]];
  return ['taskset', ['-c', String(core), process.execPath, ...args]];
}

/** Without options that whoever runs this has set for their own Node. */
export const childEnvironment = { ...process.env, NODE_OPTIONS: '' };

/**
 * A module that gets `argument` as JSON in argv[2] and sends one message when it is ready.
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
    /** Sends and waits for the answer. */
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
