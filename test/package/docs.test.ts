/**
 * The TypeScript in docs/, with the packed tarball in an empty folder: every block is type-checked under the name in
 * its first line, and each server of frameworks.md is started and receives one file. The blocks that are files of
 * examples are compared with them.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, inject, it } from 'vitest';
import { createClient } from '../../src/client/node/index.ts';
import { createDevstore, type Devstore } from '../../src/devstore/index.ts';
import { endChildren } from '../support/children.ts';
import { fixture } from '../support/fixtures.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);
const npm = (args: string[], cwd: string) => run('npm', args, { cwd });

const credentials = { accessKeyId: 'guide', secretAccessKey: 'a-secret-of-the-guides' };
const guides = [
  'behind-a-proxy',
  'closed-tabs',
  'from-multer',
  'from-uploadthing',
  'from-uppy',
  'large-files',
  'phones',
]
  .concat(['quotas', 'showing-files', 'testing'])
  .map((name) => `guides/${name}`);
const pages = ['quick-start', 'errors', 'frameworks', 'recipes', 'storage', 'operations', 'webhooks', ...guides];
const servers = ['hono', 'fastify', 'express', 'koa', 'nest', 'h3', 'node'];
/** The examples with a framework that needs a build of its own. */
const examples = ['next', 'nuxt', 'react-router', 'sveltekit'];
const frameworks = [
  ...['react', 'hono', '@hono/node-server', 'express', 'fastify', 'koa', 'h3', 'rxjs', 'reflect-metadata'],
  ...['@nestjs/common', '@nestjs/core', '@nestjs/platform-express'],
];
let dir = '';
let store: Devstore;
const children: ChildProcess[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'waybill-docs-'));
  const manifest: { dependencies: Record<string, string>; devDependencies: Record<string, string> } = JSON.parse(
    await readFile(join(root, 'package.json'), 'utf8'),
  );
  const versions = { ...manifest.devDependencies, ...manifest.dependencies };
  const pinned = (name: string) => [name, versions[name]?.replace(/^[\^~]/, '')];
  await writeFile(
    join(dir, 'package.json'),
    JSON.stringify({
      private: true,
      type: 'module',
      dependencies: {
        ...Object.fromEntries(frameworks.map(pinned)),
        ...Object.fromEntries(['@types/node', '@types/react', '@types/express', '@types/koa', 'esbuild'].map(pinned)),
        waybill: `file:${inject('tarball')}`,
      },
    }),
  );
  await npm(['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'], dir);
  for (const page of pages) await writeBlocks(page);
  store = await createDevstore({ dir: join(dir, 'store'), credentials: [credentials], buckets: ['user-content'] });
});

afterEach(() => endChildren(children, 'SIGTERM'));

afterAll(async () => {
  await store?.close();
  if (dir) await rm(dir, { recursive: true, force: true });
});

interface Block {
  /** The path in its first line. */
  name: string;
  code: string;
  /** The folder in `examples` whose file it is. */
  example: string | undefined;
}

/** The TypeScript blocks of a page, or of one section of it. */
function findBlocks(text: string): Block[] {
  return [...text.matchAll(/^```tsx?\n(?:\/\/ (\S+)\n)?([\s\S]+?)^```$/gm)].map(([block, name = '', code = '']) => {
    expect(name, `this block names no file:\n${block}`).not.toBe('');
    return { name, code, example: examples.find((example) => existsSync(join(root, 'examples', example, name))) };
  });
}

const readPage = (page: string) => readFile(join(root, 'docs', `${page}.md`), 'utf8');

/**
 * Writes the blocks beside the files that the pages assume: the app, its storage, and the server of the README. The
 * files of examples are left out, because test/examples/frameworks.test.ts builds them with their framework.
 */
async function writeBlocks(page: string): Promise<void> {
  const blocks = findBlocks(await readPage(page));
  expect(blocks.length).toBeGreaterThan(0);
  for (const { name, code, example } of blocks) {
    if (example !== undefined) continue;
    const path = join(dir, 'src', page, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, code);
  }
  for (const file of ['app.ts', 'uploads.ts', 'next-image.d.ts', 'storage.ts']) {
    const from = join(root, 'test/package/guides', file);
    await writeFile(join(dir, 'src', page, file), await readFile(from, 'utf8'), { flag: 'wx' }).catch((error) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

it('frameworks.md shows the files of the examples of Next, Nuxt, React Router and SvelteKit', async () => {
  const shown = findBlocks(await readPage('frameworks')).filter(({ example }) => example !== undefined);
  expect(shown.map(({ example, name }) => `${example}/${name}`).sort()).toEqual([
    'next/app/api/[...path]/route.ts',
    'next/app/photo-form.tsx',
    'next/lib/uploads.ts',
    'nuxt/server/uploads.ts',
    'react-router/app/routes/waybill.ts',
    'react-router/app/uploads.server.ts',
    'sveltekit/src/hooks.server.ts',
    'sveltekit/src/lib/server/uploads.ts',
  ]);
  for (const { example = '', name, code } of shown)
    expect(code, name).toBe(await readFile(join(root, 'examples', example, name), 'utf8'));
});

it('frameworks.md needs at most 12 lines of server code for each framework', async () => {
  const [, ...sections] = (await readPage('frameworks')).split(/^## /m);
  const counts = new Map(sections.map((section) => [section.split('\n', 1)[0] ?? '', countLines(section)]));
  const shared = counts.get('Shared set-up') ?? 0;
  expect(shared).toBeGreaterThan(4);
  const ownSetUp = ['Next.js (App Router)', 'Nuxt', 'React Router', 'SvelteKit'];
  for (const heading of ['Shared set-up', "The framework's own request in a callback"]) counts.delete(heading);
  expect(counts.size).toBe(13);
  for (const [heading, count] of counts) {
    expect(count, heading).toBeGreaterThan(0);
    expect(count + (ownSetUp.includes(heading) ? 0 : shared), heading).toBeLessThanOrEqual(12);
  }
});

/** Counts the lines of server code without imports, comments, empty lines and the blocks that show an addition. */
function countLines(section: string): number {
  const servers = findBlocks(section).filter(({ name }) => name.endsWith('.ts') && !name.includes('-with-'));
  const lines = servers.flatMap(({ code }) => code.split('\n'));
  return lines.filter((line) => !/^\s*($|import |\/\/)/.test(line)).length;
}

it('the code of docs/ type-checks', async () => {
  const config = {
    compilerOptions: {
      target: 'es2023',
      lib: ['es2023', 'dom', 'dom.iterable'],
      module: 'nodenext',
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      jsx: 'react-jsx',
      // Nest's decorators are those of TypeScript before the standard.
      experimentalDecorators: true,
      types: ['node'],
      skipLibCheck: true,
      noEmit: true,
    },
    include: ['src'],
  };
  await writeFile(join(dir, 'tsconfig.json'), JSON.stringify(config));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const { stdout } = await run(process.execPath, [tsc, '-p', dir, '--listFiles']).catch(
    (failure: { stdout?: string; message: string }) => ({ stdout: failure.stdout || failure.message }),
  );
  expect(stdout.split('\n').filter((line) => line.includes('error TS'))).toEqual([]);
  expect(stdout.split('\n').filter((line) => line.includes('/src/recipes/')).length).toBeGreaterThan(15);
});

it('the test of guides/testing.md passes', async () => {
  const out = join(dir, 'uploads.test.mjs');
  const esbuild = join(dir, 'node_modules/esbuild/bin/esbuild');
  const entry = join(dir, 'src/guides/testing/uploads.test.ts');
  await run(esbuild, [entry, '--bundle', '--packages=external', '--platform=node', '--format=esm', `--outfile=${out}`]);
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { stdout } = await run(process.execPath, ['--test', '--test-reporter=tap', out], { cwd: dir, env });
  expect(stdout).toMatch(/^# pass 1$/m);
});

it.each(servers)('%s stores a file and shows it', async (name) => {
  const out = join(dir, `${name}.mjs`);
  const esbuild = join(dir, 'node_modules/esbuild/bin/esbuild');
  const entry = join(dir, 'src/frameworks', `${name}.ts`);
  await run(esbuild, [entry, '--bundle', '--packages=external', '--platform=node', '--format=esm', `--outfile=${out}`]);
  const { url: endpoint } = await listening();
  const server = await start(out, { S3_ENDPOINT: endpoint });
  const headers = { cookie: 'user=anna' };
  const client = createClient({ endpoint: `${server}/uploads`, headers: () => headers });
  const photo = fixture('camera.jpg');
  const upload = client.upload('photo', new File([photo.bytes], 'camera.jpg', { type: 'image/jpeg' }));
  const { file, data } = await upload.done;
  expect(data).toEqual({ size: photo.bytes.length });
  const shown = await fetch(new URL(file.url, server), { headers });
  expect(new Uint8Array(await shown.arrayBuffer())).toEqual(photo.bytes);
  expect((await fetch(new URL(file.url, server))).status).toBe(401);
  expect((await fetch(new URL(file.url, server), { method: 'DELETE', headers })).status).toBe(204);
  expect((await fetch(new URL(file.url, server), { headers })).status).toBe(404);
});

let listener: Promise<{ url: string }> | undefined;
function listening(): Promise<{ url: string }> {
  listener ??= store.listen();
  return listener;
}

/** Resolves to the address that the server prints. */
function start(script: string, env: Record<string, string>): Promise<string> {
  const child = spawn(process.execPath, [script], {
    cwd: dir,
    env: {
      PATH: process.env.PATH ?? '',
      PORT: '0',
      WAYBILL_SECRET: 'a-secret-of-at-least-thirty-two-characters',
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let output = '';
  return new Promise((resolve, reject) => {
    const read = (data: Buffer) => {
      output += data.toString();
      const url = /Open (http:\/\/\S+)/.exec(output)?.[1];
      if (url) resolve(url.replace('[::1]', 'localhost'));
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('close', (code) => reject(new Error(`it ended with ${code}:\n${output}`)));
  });
}
