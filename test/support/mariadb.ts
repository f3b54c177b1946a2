/** Starts a private MariaDB on loopback with its data in a temporary folder. */
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import mysql from 'mysql2/promise';
import { type DatabaseProcess, startDatabaseProcess } from './database-process.ts';
import { freePort } from './postgres.ts';

const run = promisify(execFile);

export interface MariadbInfo {
  /** URL of the database `mysql`, with the password. */
  url: string;
}

export interface Mariadb extends MariadbInfo, DatabaseProcess {}

/** Debian has the server in a folder that is in PATH for root only. */
function find(program: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, program)).find(existsSync);
}

export const hasMariadb = (): boolean => find('mariadbd') !== undefined && find('mariadb-install-db') !== undefined;

/** MariaDB refuses to run as root. */
async function serverUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const id = async (flag: string) => Number((await run('id', [flag, 'mysql'])).stdout);
  return { uid: await id('-u'), gid: await id('-g') };
}

/** @param settings more options of `mariadbd` */
export async function startMariadb(settings: readonly string[] = []): Promise<Mariadb> {
  const server = find('mariadbd');
  const installer = find('mariadb-install-db');
  if (!server || !installer) throw new Error('MariaDB is not installed (Debian: apt-get install mariadb-server)');
  const user = await serverUser();
  const dir = await mkdtemp(join(tmpdir(), 'waybill-mariadb-'));
  const password = randomBytes(12).toString('hex');
  const data = join(dir, 'data');
  const users = join(dir, 'users.sql');
  await mkdir(data);
  await writeFile(
    users,
    [
      `create user if not exists 'waybill'@'127.0.0.1' identified by '${password}';`,
      "grant all on *.* to 'waybill'@'127.0.0.1';",
    ].join('\n'),
  );
  if (user) for (const path of [dir, data, users]) await chown(path, user.uid, user.gid);
  const as = { ...(user ?? {}), cwd: dir };
  await run(
    installer,
    [
      '--no-defaults',
      `--datadir=${data}`,
      `--tmpdir=${dir}`,
      '--skip-test-db',
      '--auth-root-authentication-method=normal',
    ],
    as,
  );
  const port = await freePort();
  const options = [
    '--no-defaults',
    `--datadir=${data}`,
    `--init-file=${users}`,
    `--tmpdir=${dir}`,
    `--socket=${join(dir, 'socket')}`,
    `--pid-file=${join(dir, 'pid')}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    '--skip-name-resolve',
    '--max-connections=200',
    '--innodb-buffer-pool-size=128M',
    ...settings,
  ];
  const url = `mysql://waybill:${password}@127.0.0.1:${port}/mysql`;

  const { restart, stop } = await startDatabaseProcess({
    name: 'MariaDB',
    spawn: () => spawn(server, options, { ...as, stdio: ['ignore', 'ignore', 'pipe'] }),
    connect: () => onMariadb(url, 'select 1'),
    signals: { fast: 'SIGTERM', immediate: 'SIGKILL' },
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

/** Creates an empty database. It is removed with the server. @returns its URL */
export async function createMariadbDatabase(url: string): Promise<string> {
  const name = `waybill_${randomBytes(6).toString('hex')}`;
  await onMariadb(url, `create database ${name}`);
  const own = new URL(url);
  own.pathname = `/${name}`;
  return own.href;
}

export async function onMariadb(
  url: string,
  statement: string,
  parameters: readonly unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const connection = await mysql.createConnection(url);
  // A broken connection also emits an error event, which would end the process without a listener.
  connection.on('error', () => {});
  try {
    const [rows] = await connection.query(statement, [...parameters]);
    return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : [];
  } finally {
    await connection.end();
  }
}
