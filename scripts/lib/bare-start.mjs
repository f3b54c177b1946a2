/**
 * Tests `npm start` in a fresh clone without node_modules: the page answers, one file is uploaded by plain HTTP, and
 * the command stops when it is told to. This file has no dependencies.
 */
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { root, run, timed } from './run.mjs';

/** Includes the time to install and to build. */
const startMs = 8 * 60_000;
const stopMs = 30_000;

/** Folders that a clone does not have. */
const notCloned = ['.git', 'node_modules', 'dist', '.cache', '.waybill'];

/** Adds five checks to the tally. */
export async function proveBareStart(tally) {
  const dir = mkdtempSync(join(tmpdir(), 'waybill-bare-'));
  try {
    const clone = join(dir, 'clone');
    await cloneInto(clone);
    if (existsSync(join(clone, 'node_modules'))) throw new Error('The clone has a node_modules: it proves nothing.');
    await timed('npm start in an empty clone', () => checkStart(tally, clone));
  } finally {
    rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Clones with git, or copies the files that a clone would have. */
async function cloneInto(dir) {
  if (existsSync(join(root, '.git')) && (await run('git', ['clone', '--quiet', root, dir])) === 0) return;
  const isCloned = (path) => !notCloned.includes(relative(root, path).split(/[\\/]/).at(-1));
  cpSync(root, dir, { recursive: true, filter: isCloned });
}

async function checkStart(tally, cwd) {
  const first = start('npm', ['start', '--', '--port', '0'], cwd);
  let url;
  let stored;
  try {
    url = await within(startMs, 'npm start printed no address', first.address);
    const page = await fetch(url);
    tally.check('npm start: its page answers', page.ok && (await page.text()).includes('<!doctype html'));
    stored = await uploadFile(url);
    tally.check('npm start: one file is uploaded', await isStored(url, stored));
    first.child.kill('SIGTERM');
    await within(stopMs, 'npm start did not end after SIGTERM', first.ended);
    tally.check('npm start: the server stops when npm is stopped', first.output().includes('Stopped.'));
  } catch (error) {
    return recordFailure(tally, 'npm start: from an empty clone to a stored file and a stop', error);
  } finally {
    first.endGroup();
  }
  // The signal ends the shell of npm, so npm's exit code says nothing. The second start runs the script without npm.
  const second = start(process.execPath, ['scripts/start.mjs', '--port', '0'], cwd);
  try {
    const again = await within(startMs, 'the second start printed no address', second.address);
    tally.check('npm start: the file is still there after a second start', await isStored(again, stored));
    second.child.kill('SIGTERM');
    const code = await within(stopMs, 'it did not end after SIGTERM', second.ended);
    if (code !== 0) console.error(`scripts/start.mjs ended with ${code}`);
    tally.check('npm start: ends with exit code 0', code === 0);
  } catch (error) {
    recordFailure(tally, 'npm start: a second start', error);
  } finally {
    second.endGroup();
  }
}

function recordFailure(tally, name, error) {
  console.error(error.message);
  tally.check(name, false);
}

/** Starts a command in its own process group, so that `endGroup` can end every process of it. */
function start(command, args, cwd) {
  const stdio = ['ignore', 'pipe', 'pipe'];
  const child = spawn(command, args, { cwd, env: { ...process.env, NO_COLOR: '1' }, stdio, detached: true });
  let output = '';
  // `close` is emitted when every process that writes to these pipes has ended, including the server.
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const address = new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data) => {
        process.stdout.write(data);
        output += data;
        const [, url] = /Open (http:\/\/\S+)/.exec(output) ?? [];
        if (url) resolve(url);
      });
    ended.then((code) => reject(new Error(`${command} ended with ${code} before it printed an address`)), reject);
  });
  return {
    child,
    address,
    ended,
    output: () => output,
    endGroup() {
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // The group has already ended.
      }
    },
  };
}

/** Requests an upload, sends the bytes and completes it. */
async function uploadFile(url) {
  const bytes = randomBytes(70_000);
  const checksum = { algorithm: 'sha256', value: createHash('sha256').update(bytes).digest('base64') };
  const file = { fileName: 'first.bin', contentType: 'application/octet-stream', size: bytes.length, checksum };
  const granted = await postJson(`${url}/uploads`, { route: 'files', files: [file] });
  const [upload] = granted.uploads ?? [];
  if (!upload?.request) throw new Error(`no grant: ${JSON.stringify(granted.error ?? upload?.error)}`);
  const put = await fetch(upload.request.url, { method: 'PUT', headers: upload.request.headers, body: bytes });
  if (!put.ok) throw new Error(`the store answered ${put.status}`);
  const completed = await postJson(`${url}/uploads/complete`, { grants: [upload.grant] });
  const [result] = completed.results ?? [];
  if (!result?.file) throw new Error(`not completed: ${JSON.stringify(completed.error ?? result?.error)}`);
  return { bytes, path: new URL(result.file.url, url).pathname };
}

/** Follows the redirect to the store and compares every byte. */
async function isStored(url, { bytes, path }) {
  const view = await fetch(new URL(path, url));
  const viewed = Buffer.from(await view.arrayBuffer());
  if (!viewed.equals(bytes)) console.error(`the view answered ${view.status} with ${viewed.length} bytes`);
  return viewed.equals(bytes);
}

async function postJson(url, body) {
  const headers = { 'content-type': 'application/json' };
  return (await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })).json();
}

async function within(ms, problem, work) {
  let timer;
  const timeout = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${problem} within ${ms / 1000} s`)), ms);
  });
  return Promise.race([work, timeout]).finally(() => clearTimeout(timer));
}
