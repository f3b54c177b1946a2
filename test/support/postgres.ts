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
import { type DatabaseProcess, startDatabaseProcess } from './database-process.ts';

const run = promisify(execFile);

export interface PostgresInfo {
  /** URL of the database `postgres`, with the password. */
  url: string;
}

export interface Postgres extends PostgresInfo, DatabaseProcess {}

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

  const { restart, stop } = await startDatabaseProcess({
    name: 'Postgres',
    spawn: () => spawn(join(programs, 'postgres'), ['-D', data], { ...as, stdio: ['ignore', 'ignore', 'pipe'] }),
    connect: () => onServer(url, 'select 1'),
    signals: { fast: 'SIGINT', immediate: 'SIGQUIT' },
  });
  return {
    url,
    restart,
    async stop() {
      await stop();
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
