/** Starts a private Postgres on loopback with its data in a temporary folder. */
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';

const run = promisify(execFile);

export interface PostgresInfo {
  /** URL of the database `postgres`, with the password. */
  url: string;
}

export interface Postgres extends PostgresInfo {
  /** `immediate` ends all processes without a checkpoint, as a power failure does. */
  restart(mode: 'fast' | 'immediate'): Promise<void>;
  stop(): Promise<void>;
}

/** Debian does not put the server's programs into PATH. */
function programsDir(): string | undefined {
  const base = '/usr/lib/postgresql';
  const versions = existsSync(base) ? readdirSync(base).sort((a, b) => Number(b) - Number(a)) : [];
  const dirs = [...versions.map((version) => join(base, version, 'bin')), ...(process.env.PATH ?? '').split(':')];
  return dirs.find((dir) => existsSync(join(dir, 'initdb')) && existsSync(join(dir, 'postgres')));
}

export function hasPostgres(): boolean {
  return programsDir() !== undefined;
}

/** Postgres refuses to run as root. */
async function serverUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const id = async (flag: string) => Number((await run('id', [flag, 'postgres'])).stdout);
  return { uid: await id('-u'), gid: await id('-g') };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** @param settings more lines for postgresql.conf */
export async function startPostgres(settings: readonly string[] = []): Promise<Postgres> {
  const programs = programsDir();
  if (!programs) throw new Error('Postgres is not installed (Debian: apt-get install postgresql)');
  const user = await serverUser();
  const dir = await mkdtemp(join(tmpdir(), 'waybill-postgres-'));
  const password = randomBytes(12).toString('hex');
  const passwordFile = join(dir, 'password');
  const data = join(dir, 'data');
  await writeFile(passwordFile, password);
  if (user) for (const path of [dir, passwordFile]) await chown(path, user.uid, user.gid);
  const as = { ...(user ?? {}), cwd: dir };
  await run(
    join(programs, 'initdb'),
    ['-D', data, '-U', 'waybill', '--pwfile', passwordFile, '-A', 'scram-sha-256', '--no-sync'],
    as,
  );
  const port = await freePort();
  const lines = [
    `port = ${port}`,
    "listen_addresses = '127.0.0.1'",
    "unix_socket_directories = ''",
    'max_connections = 200',
    'shared_buffers = 128MB',
    ...settings,
  ];
  await writeFile(join(data, 'postgresql.conf'), `${lines.join('\n')}\n`);
  if (user) await chown(join(data, 'postgresql.conf'), user.uid, user.gid);
  const url = `postgres://waybill:${password}@127.0.0.1:${port}/postgres`;

  let stopped: Promise<void> | undefined;
  let pid = 0;

  async function start(): Promise<void> {
    const child = spawn(join(programs as string, 'postgres'), ['-D', data], {
      ...as,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let output = '';
    child.stderr.on('data', (text) => {
      output = (output + text).slice(-4000);
    });
    let ended = false;
    stopped = new Promise((resolve) =>
      child.once('close', () => {
        ended = true;
        resolve();
      }),
    );
    pid = child.pid as number;
    for (;;) {
      if (ended) throw new Error(`Postgres did not start:\n${output}`);
      const client = new pg.Client({ connectionString: url });
      // A connection that fails while it opens also emits an error event.
      client.on('error', () => {});
      try {
        await client.connect();
        await client.end();
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  async function end(signal: 'SIGINT' | 'SIGQUIT'): Promise<void> {
    if (pid === 0) return;
    process.kill(pid, signal);
    await stopped;
    pid = 0;
  }

  await start();
  return {
    url,
    async restart(mode) {
      await end(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
      await start();
    },
    async stop() {
      await end('SIGINT');
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Creates an empty database for one suite. */
export async function createTestDatabase(url: string): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `waybill_${randomBytes(6).toString('hex')}`;
  await onServer(url, `create database ${name}`);
  const own = new URL(url);
  own.pathname = `/${name}`;
  return {
    url: own.href,
    drop: async () => void (await onServer(url, `drop database if exists ${name} with (force)`)),
  };
}

export async function onServer(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  // A broken connection also emits an error event, which would end the process without a listener.
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}
