/**
 * The first command of a newcomer: `npm start` in a clone in an empty folder, with nothing installed. Passes when the page
 * answers, one file has gone through by plain HTTP, and the command ends in good order. No dependencies.
 */
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { root, run, timed } from './run.mjs';

/** Installing and building included. */
const startMs = 8 * 60_000;
const stopMs = 30_000;

/** Folders that a clone does not have. */
const notCloned = ['.git', 'node_modules', 'dist', '.cache', '.waybill'];

/** Adds three checks to the tally. */
export async function proveBareStart(tally) {
  const dir = mkdtempSync(join(tmpdir(), 'waybill-bare-'));
  try {
    const clone = join(dir, 'clone');
    await cloneInto(clone);
    if (existsSync(join(clone, 'node_modules'))) throw new Error('The clone has a node_modules: it proves nothing.');
    await timed('npm start in an empty clone', () => startThere(tally, clone));
  } finally {
    rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** By git where it can be had; else by copying what a clone would have. */
async function cloneInto(dir) {
  if (existsSync(join(root, '.git')) && (await run('git', ['clone', '--quiet', root, dir])) === 0) return;
  const isCloned = (path) => !notCloned.includes(relative(root, path).split(/[\\/]/).at(-1));
  cpSync(root, dir, { recursive: true, filter: isCloned });
}

async function startThere(tally, cwd) {
  // The port is free by choice of the system; a group of its own, so that nothing of it can be left over.
  const child = spawn('npm', ['start', '--', '--port', '0'], {
    cwd,
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const ended = once(child, 'close').catch((error) => [error.message]);
  try {
    const url = await within(startMs, 'npm start printed no address', addressOf(child, ended));
    const page = await fetch(url);
    const html = await page.text();
    tally.check('npm start: its page answers', page.ok && html.includes('<!doctype html'));
    const problem = await sendOne(url).catch((error) => error.stack);
    if (problem) console.error(problem);
    tally.check('npm start: one file goes through', !problem);
    child.kill('SIGTERM');
    const [code] = await within(stopMs, 'npm start did not end after SIGTERM', ended);
    if (code !== 0) console.error(`npm start ended with ${code}`);
    tally.check('npm start: ends in good order', code === 0);
  } catch (error) {
    console.error(error.message);
    tally.check('npm start: from an empty clone to a stored file and a graceful stop', false);
  } finally {
    endGroup(child);
  }
}

/** Passes the output on, and resolves to the address in it. */
async function addressOf(child, ended) {
  let output = '';
  const found = new Promise((resolve) => {
    child.stdout.on('data', (data) => {
      process.stdout.write(data);
      output += data;
      const [, url] = /Open (http:\/\/\S+)/.exec(output) ?? [];
      if (url) resolve(url);
    });
  });
  const tooEarly = ended.then(([code]) => {
    throw new Error(`npm start ended with ${code} before it printed an address`);
  });
  tooEarly.catch(() => undefined);
  return Promise.race([found, tooEarly]);
}

/** Permission, bytes, completion, view. Resolves to what went wrong, if anything did. */
async function sendOne(url) {
  const bytes = randomBytes(70_000);
  const checksum = { algorithm: 'sha256', value: createHash('sha256').update(bytes).digest('base64') };
  const file = { fileName: 'first.bin', contentType: 'application/octet-stream', size: bytes.length, checksum };
  const granted = await postJson(`${url}/uploads`, { route: 'files', files: [file] });
  const [upload] = granted.uploads ?? [];
  if (!upload?.request) return `no permission: ${JSON.stringify(granted.error ?? upload?.error)}`;
  const put = await fetch(upload.request.url, { method: 'PUT', headers: upload.request.headers, body: bytes });
  if (!put.ok) return `the store answered ${put.status}`;
  const completed = await postJson(`${url}/uploads/complete`, { grants: [upload.grant] });
  const [result] = completed.results ?? [];
  if (!result?.file) return `not completed: ${JSON.stringify(completed.error ?? result?.error)}`;
  const view = await fetch(new URL(result.file.url, url));
  const viewed = Buffer.from(await view.arrayBuffer());
  return viewed.equals(bytes) ? undefined : `the view answered ${view.status} with ${viewed.length} other bytes`;
}

async function postJson(url, body) {
  const headers = { 'content-type': 'application/json' };
  return (await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })).json();
}

async function within(ms, problem, work) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${problem} within ${ms / 1000} s`)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

function endGroup(child) {
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Nothing of the group is left, as it should be.
  }
}
