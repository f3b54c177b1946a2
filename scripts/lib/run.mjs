/** Runs programs and reports progress. This file has no dependencies, because it runs before `npm ci`. */
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(fileURLToPath(new URL('../..', import.meta.url)));

export const underCi = ![undefined, '', '0', 'false'].includes(process.env.CI);

export function say(text) {
  console.log(`\x1b[2m[waybill]\x1b[0m ${text}`);
}

/** Resolves to the exit code, and prints the output of the program. Never throws: a missing program is code 127. */
export function run(command, args, options = {}) {
  return new Promise((done) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], ...options });
    child.once('error', (error) => {
      console.error(`${command}: ${error.message}`);
      done(127);
    });
    child.once('exit', (code, signal) => done(code ?? (signal ? 128 : 1)));
  });
}

/** Runs the npm that started this process, or else the npm on the PATH. */
export function npm(args, options = {}) {
  const entry = process.env.npm_execpath;
  if (entry?.endsWith('.js')) return run(process.execPath, [entry, ...args], options);
  return run('npm', args, { shell: process.platform === 'win32', ...options });
}

/** Runs a tool of node_modules by its entry file, with the Node of this process, on every system. */
export function tool(entry, args, options = {}) {
  return run(process.execPath, [resolve(root, 'node_modules', entry), ...args], options);
}

/** Reports the start and the duration of some work, and returns its result. */
export async function timed(what, work) {
  say(`${what} ...`);
  const start = performance.now();
  const result = await work();
  say(`${what}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
  return result;
}

/**
 * Ends this process when the shell that npm started it with has ended. npm sends SIGTERM to that shell only, and the
 * shell of Debian does not forward it: without this function a stopped server would keep running and keep its port.
 */
export function stopWithNpm() {
  if (!process.env.npm_lifecycle_event || process.platform === 'win32') return;
  const shell = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, 250);
  timer.unref();
}

/** Ends the process with an explanation when this Node is too old. */
export function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(`Waybill needs Node 20.19 or newer; this is ${process.versions.node} (${process.execPath}).
Install a newer one from https://nodejs.org or with your version manager, for example: nvm install 24`);
  process.exit(1);
}
