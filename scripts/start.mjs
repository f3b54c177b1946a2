#!/usr/bin/env node
/** `npm start`: from a fresh clone to the running page. Installs and builds when it has to, then runs `waybill dev`. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ensureBuilt } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { requireNode, root } from './lib/run.mjs';

requireNode();
await ensureInstalled();
if (!(await ensureBuilt())) process.exit(1);

const child = spawn(process.execPath, [join(root, 'dist/cli/main.js'), 'dev', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    // Ctrl-C in a terminal reaches the child by itself; a second one would cut its leave-taking short.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  });
}
child.once('exit', (code, signal) => {
  if (!signal) process.exit(code ?? 1);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
