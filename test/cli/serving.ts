/** Runs `waybill serve` as a process on a devstore, and sends files through it. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { createDevstore, type Devstore } from '../../src/devstore/index.ts';
import { type Body, send } from '../support/server-app.ts';
import { type BuiltCli, type Running, spawnCli } from './built-cli.ts';

const sources = fileURLToPath(new URL('../../src', import.meta.url));

export interface Served {
  url: string;
  ops: string;
  process: Running;
  /** The lines of its log so far. */
  lines(): Record<string, unknown>[];
}

export interface Serving {
  /** The folder of the processes, for configurations. */
  dir: string;
  store: Devstore;
  env: Record<string, string>;
  /** Writes a module in which `waybill/server` stands for the sources. @returns its name */
  writeModule(name: string, text: string): Promise<string>;
  start(args: readonly string[], env?: Record<string, string>, maxOpenFiles?: number): Running;
  serve(args: readonly string[], env?: Record<string, string>, maxOpenFiles?: number): Promise<Served>;
  /** Runs a command to its end. */
  finish(
    args: readonly string[],
    env?: Record<string, string>,
  ): Promise<{ code: number | null; out: string; err: string }>;
  /** Ends all running processes. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

export async function createServing(cli: BuiltCli): Promise<Serving> {
  // Beside the command, so that configurations find the dependencies.
  const dir = await mkdtemp(join(dirname(cli.main), 'serve-'));
  const credentials = { accessKeyId: 'serve', secretAccessKey: randomBytes(20).toString('hex') };
  const store = await createDevstore({ dir: join(dir, 'store'), credentials: [credentials], buckets: ['uploads'] });
  const { url: endpoint } = await store.listen();
  const running: Running[] = [];
  const env = {
    WAYBILL_SECRET: randomBytes(36).toString('base64url'),
    WAYBILL_S3_BUCKET: 'uploads',
    WAYBILL_S3_ENDPOINT: endpoint,
    WAYBILL_S3_PRESET: 'devstore',
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  };
  const start: Serving['start'] = (args, more = {}, maxOpenFiles = undefined) => {
    const one = spawnCli(cli.main, args, { cwd: dir, env: { ...env, ...more }, maxOpenFiles });
    running.push(one);
    return one;
  };
  async function stop(): Promise<void> {
    for (const one of running.splice(0)) {
      one.child.kill('SIGKILL');
      await one.ended;
    }
  }

  return {
    dir,
    store,
    env,
    start,
    stop,
    async writeModule(name, text) {
      await build({
        stdin: { contents: text, resolveDir: sources, loader: 'ts' },
        outfile: join(dir, name),
        bundle: true,
        platform: 'node',
        format: 'esm',
        packages: 'external',
        alias: { 'waybill/server': join(sources, 'server/index.ts'), waybill: join(sources, 'protocol/index.ts') },
        logLevel: 'error',
      });
      return name;
    },
    async serve(args, more, maxOpenFiles) {
      const given = ['serve', '--port', '0', '--host', '127.0.0.1', '--ops-port', '0', ...args];
      const process = start(given, more, maxOpenFiles);
      const ready = JSON.parse((await process.says(/^\{.*"msg":"ready".*\}$/m))[0]) as {
        port: number;
        opsPort: number;
      };
      return {
        process,
        url: `http://127.0.0.1:${ready.port}`,
        ops: `http://127.0.0.1:${ready.opsPort}`,
        lines: () =>
          process
            .stdout()
            .split('\n')
            .filter((line) => line !== '')
            .map((line) => JSON.parse(line)),
      };
    },
    async finish(args, more) {
      const one = start(args, more);
      const code = await one.ended;
      return { code, out: one.stdout(), err: one.stderr() };
    },
    async close() {
      await stop();
      await store.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export function writeJson(dir: string, name: string, value: unknown): Promise<void> {
  return writeFile(join(dir, name), JSON.stringify(value));
}

/** Uploads a file with plain HTTP requests: grant, send, complete. */
export async function upload(url: string, bytes: Uint8Array, headers: Record<string, string> = {}, route = 'files') {
  const granted = await post(`${url}/uploads`, { route, files: [declare(bytes)] }, headers);
  const one = granted.body.uploads?.[0];
  if (!one || one.error) throw new Error(`not granted: ${granted.status} ${JSON.stringify(granted.body)}`);
  const sent = await send(one.request, bytes);
  if (sent >= 300) throw new Error(`not stored: ${sent}`);
  const completed = await post(`${url}/uploads/complete`, { grants: [one.grant] }, headers);
  return { granted: one, status: completed.status, result: completed.body.results?.[0] };
}

export function declare(bytes: Uint8Array) {
  const value = createHash('sha256').update(bytes).digest('base64');
  const checksum = { algorithm: 'sha256', value };
  return { fileName: 'photo.png', size: bytes.length, contentType: 'image/png', checksum };
}

export async function post(url: string, body: unknown, headers: Record<string, string> = {}) {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Body };
}
