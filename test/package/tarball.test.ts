/**
 * The tarball without the repository: it contains every page, every relative link leads to a file in it, and `npx
 * waybill dev` serves the page from an otherwise empty folder.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';

const npm = (args: string[], cwd: string) =>
  promisify(execFile)('npm', args, { cwd, shell: process.platform === 'win32' });

let dir = '';
let installed = '';

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'waybill-tarball-'));
  await npm(['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error', inject('tarball')], dir);
  installed = join(dir, 'node_modules/waybill');
});

afterAll(async () => {
  if (dir) await rm(dir, { recursive: true, force: true });
});

/** Every Markdown file of the package, by its path. */
async function pages(): Promise<Map<string, string>> {
  const files = (await readdir(installed, { recursive: true })).map((file) => file.replaceAll('\\', '/'));
  const found = files.filter((file) => file.endsWith('.md') && !file.includes('node_modules/'));
  return new Map(
    await Promise.all(found.map(async (file) => [file, await readFile(join(installed, file), 'utf8')] as const)),
  );
}

/** Targets of Markdown links that are not URLs. */
function relativeLinks(text: string): string[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```/gm, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:|^#/.test(target));
}

/** The anchor of a heading: in lower case, with dashes for spaces, and without punctuation. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-');

it('the tarball contains the README, the docs and everything that they link to', async () => {
  const all = await pages();
  for (const page of ['README.md', 'CHANGELOG.md', 'docs/storage.md', 'docs/operations.md', 'docs/webhooks.md'])
    expect([...all.keys()]).toContain(page);
  const broken: string[] = [];
  let examined = 0;
  for (const [page, text] of all)
    for (const link of relativeLinks(text)) {
      examined++;
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page : posix.join(dirname(page), path);
      const exists = await stat(join(installed, target)).catch(() => undefined);
      if (!exists || target.startsWith('..')) broken.push(`${page}: ${link}`);
      else if (anchor && target.endsWith('.md')) {
        const headings = [...(all.get(target) ?? '').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
          anchorOf(heading),
        );
        if (!headings.includes(anchor)) broken.push(`${page}: ${link} (no such heading)`);
      }
    }
  expect(broken).toEqual([]);
  expect(examined).toBeGreaterThan(10);
});

it('the README says how to install and how to try Waybill', async () => {
  const readme = await readFile(join(installed, 'README.md'), 'utf8');
  expect(readme).toMatch(/^npm install waybill$/m);
  expect(readme).toMatch(/^npx waybill dev$/m);
});

it('npx waybill dev serves its page from an empty folder', async () => {
  const child: ChildProcess = spawn('npx', ['--offline', 'waybill', 'dev', '--port', '0'], {
    cwd: dir,
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const ended = once(child, 'close');
  try {
    let output = '';
    const url = await new Promise<string>((resolve, reject) => {
      const read = (data: Buffer) => {
        output += data.toString();
        const found = /Open (http:\/\/\S+)/.exec(output)?.[1];
        if (found) resolve(found);
      };
      child.stdout?.on('data', read);
      child.stderr?.on('data', read);
      ended.then(() => reject(new Error(output)), reject);
    });
    const page = await fetch(url);
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('<!doctype html')]);
    const script = /src="\.?(\/assets\/[^"]+\.js)"/;
    const [, path = ''] = script.exec(await (await fetch(url)).text()) ?? [];
    expect((await fetch(new URL(path, url))).headers.get('content-type')).toContain('javascript');
  } finally {
    // Ends the process group: npx, its shell and the server.
    if (child.exitCode === null && child.pid) process.kill(-child.pid, 'SIGTERM');
    await ended;
  }
});
