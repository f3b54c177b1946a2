/**
 * Each example is installed from the packed tarball into a separate folder and started with `npm start`. Chromium sends
 * a real photo through it, and the pixels on the screen are compared.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { expectQuadrants } from '../browser/page-app.ts';
import { describeBrowser } from '../support/chromium.ts';
import { fixture } from '../support/fixtures.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const npm = (args: string[], cwd: string) => promisify(execFile)('npm', args, { cwd });

describeBrowser('examples', (browser) => {
  let dir: string;
  const children: ChildProcess[] = [];
  let serviceUrl: string;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'waybill-examples-'));
    for (const example of ['express', 'react']) {
      const path = join(dir, example);
      await cp(join(root, 'examples', example), path, {
        recursive: true,
        filter: (file) => !/node_modules|\.waybill|package-lock/.test(file),
      });
      const manifest = JSON.parse(await readFile(join(path, 'package.json'), 'utf8')) as {
        dependencies: Record<string, string>;
      };
      expect(manifest.dependencies.waybill).toMatch(/^\^\d/);
      manifest.dependencies.waybill = `file:${inject('tarball')}`;
      await writeFile(join(path, 'package.json'), JSON.stringify(manifest));
      await npm(['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'], path);
    }
    serviceUrl = await start('express', ['start'], { PORT: '0' }, /Open (http:\/\/\S+)/);
  });

  afterAll(async () => {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) continue;
      const ended = once(child, 'close');
      // Ends the process group: npm and the processes that npm started.
      process.kill(-child.pid, 'SIGTERM');
      await ended;
    }
    if (dir) await rm(dir, { recursive: true, force: true });
  });

  /** Resolves to the first group of the pattern in the output. */
  async function start(example: string, args: string[], env: Record<string, string>, pattern: RegExp): Promise<string> {
    const child = spawn('npm', args, {
      cwd: join(dir, example),
      env: { ...process.env, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    children.push(child);
    let output = '';
    return new Promise((resolve, reject) => {
      const read = (data: Buffer) => {
        output += data.toString();
        const match = pattern.exec(output)?.[1];
        if (match) resolve(match);
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
      child.once('close', (code) => reject(new Error(`${example} ended with ${code}:\n${output}`)));
    });
  }

  it('express shows a chosen photo to its owner only, also after a reload', async () => {
    const context = await browser().newContext();
    const page = await context.newPage();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    await page.goto(serviceUrl);
    await page.getByLabel('Choose photos').setInputFiles([fixture('camera.jpg').path]);
    const image = page.getByRole('img', { name: 'camera.jpg' });
    await expectQuadrants(image);
    const src = await image.getAttribute('src');
    await page.reload();
    await expectQuadrants(image);
    expect(await image.getAttribute('src')).toBe(src);

    const stranger = await browser().newContext();
    expect((await stranger.request.get(new URL(src ?? '', serviceUrl).href)).status()).toBe(404);
    await stranger.close();

    await page.getByLabel('Choose photos').setInputFiles([fixture('page.pdf').path]);
    await page.getByText('page.pdf: Files of the type application/pdf are not accepted here.').waitFor();
    expect(problems).toEqual([]);
    await context.close();
  });

  it('react sends the photo of a file input and then shows it', async () => {
    const url = await start(
      'react',
      ['start', '--', '--port', '0'],
      { SERVICE: serviceUrl },
      /(http:\/\/127\.0\.0\.1:[1-9]\d*)/,
    );
    const context = await browser().newContext();
    const page = await context.newPage();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
    await page.goto(url);
    const input = page.getByLabel('Choose a photo');
    await expect.poll(() => input.getAttribute('accept')).toBe('image/*');
    await input.setInputFiles(fixture('camera.jpg').path);
    await expectQuadrants(page.getByRole('img', { name: 'camera.jpg' }));
    await input.setInputFiles(fixture('quadrants.webp').path);
    await expectQuadrants(page.getByRole('img', { name: 'quadrants.webp' }));
    expect(problems).toEqual([]);
    await input.setInputFiles(fixture('note.txt').path);
    await page.getByRole('alert').getByText('note.txt: Files of the type text/plain are not accepted here.').waitFor();
    // This file will always be refused, so the page offers to choose another photo.
    expect(await page.getByRole('button', { name: 'Try again' }).count()).toBe(0);
    await page.getByRole('button', { name: 'Choose another photo' }).click();
    await expect.poll(() => page.getByRole('alert').count()).toBe(0);
    await input.setInputFiles(fixture('camera.jpg').path);
    await expectQuadrants(page.getByRole('img', { name: 'camera.jpg' }));
    await context.close();
  });

  it('react builds for production', async () => {
    await npm(['run', 'build'], join(dir, 'react'));
    expect(await readdir(join(dir, 'react/dist'))).toContain('index.html');
  });
});
