/**
 * The environment of a crash run: a devstore with faults, the database, a counter of announcements, the replicas, and a
 * TCP proxy to those that are live.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDevstore, type StoreFault } from '../../src/devstore/index.ts';
import { type Storage, s3Storage } from '../../src/s3/index.ts';
import type { Ledger } from '../../src/server/index.ts';
import { startMariadb } from '../support/mariadb.ts';
import { startPostgres } from '../support/postgres.ts';
import type { CrashConfig } from './config.ts';

export interface EnvironmentOptions {
  ledger: Ledger['kind'];
  replicas: number;
  /** Errors of the replicas' clocks, in milliseconds. */
  skewsMs: readonly number[];
  replicaFile: string;
  random: () => number;
}

export interface Environment {
  config: CrashConfig;
  storage: Storage;
  /** Ends fault injection in the store. */
  stopFaults(): void;
  /** The database server; undefined for SQLite. */
  database: DatabaseServer | undefined;
  /** Number of announcements by upload id. */
  announced: Map<string, number>;
  /** URL of the proxy. Each connection goes to a random live replica. */
  url: string;
  /** Staging keys in the order in which the store accepted them. */
  stored: string[];
  killReplica(): Promise<void>;
  kills(): number;
  stopReplicas(): Promise<void>;
  close(): Promise<void>;
}

interface DatabaseServer {
  url: string;
  /** `immediate` ends all processes without a checkpoint, as a power failure does. */
  restart(mode: 'fast' | 'immediate'): Promise<void>;
  stop(): Promise<void>;
}

const bucket = 'uploads';
/** The store answers 5 % of calls with 503 and breaks 2 % of connections. */
const faults: StoreFault[] = [
  { probability: 0.05, slowDown: {} },
  { probability: 0.01, dropRequestAfterBytes: 0 },
  { probability: 0.01, dropResponseAfterBytes: 0 },
];

export async function createEnvironment(options: EnvironmentOptions): Promise<Environment> {
  const { ledger, replicas, skewsMs, replicaFile, random } = options;
  const dir = await mkdtemp(join(tmpdir(), 'waybill-crash-'));
  const closers: (() => Promise<unknown>)[] = [() => rm(dir, { recursive: true, force: true })];
  const close = async () => {
    for (const end of closers.splice(0).reverse()) await end();
  };
  try {
    const credentials = { accessKeyId: 'crash', secretAccessKey: randomBytes(20).toString('hex') };
    const stored: string[] = [];
    const store = await createDevstore({
      dir: join(dir, 'store'),
      credentials: [credentials],
      buckets: [bucket],
      faults,
      random,
      onRequest: ({ method, key, status }) => {
        if (
          (method === 'PUT' || method === 'POST') &&
          status < 300 &&
          status > 0 &&
          key &&
          /^incoming\/[0-9a-f]{32}$/.test(key)
        )
          stored.push(key);
      },
    });
    const { url: endpoint } = await store.listen();
    closers.push(() => store.close());
    const database =
      ledger === 'postgres' ? await startPostgres() : ledger === 'mysql' ? await startMariadb() : undefined;
    if (database) closers.push(() => database.stop());

    const announced = new Map<string, number>();
    const announcer = createHttpServer((request, response) => {
      const uploadId = (request.url ?? '').slice(1);
      announced.set(uploadId, (announced.get(uploadId) ?? 0) + 1);
      response.end();
    });
    announcer.listen(0, '127.0.0.1');
    await once(announcer, 'listening');
    closers.push(async () => {
      announcer.closeAllConnections();
      announcer.close();
    });

    const config: CrashConfig = {
      ledger: database ? database.url : `sqlite:${join(dir, 'uploads.db')}`,
      storage: { bucket, endpoint, credentials, capabilities: 'devstore' },
      secret: randomBytes(30).toString('hex'),
      eventsSecret: randomBytes(30).toString('hex'),
      announceUrl: `http://127.0.0.1:${(announcer.address() as AddressInfo).port}`,
    };

    interface Replica {
      child: ChildProcess;
      port: number;
      skewMs: number;
    }
    const live: (Replica | undefined)[] = [];
    let stopping = false;
    let killed = 0;

    async function start(index: number): Promise<void> {
      const skewMs = skewsMs[index % skewsMs.length] ?? 0;
      const child = fork(replicaFile, [JSON.stringify({ ...config, skewMs })], {
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      });
      let output = '';
      child.stderr?.on('data', (text: Buffer) => {
        output = (output + text).slice(-2000);
      });
      const port = await Promise.race([
        once(child, 'message').then(([message]) => (message as { port: number }).port),
        once(child, 'exit').then(() => 0),
      ]);
      // When the database was down during the start, start again, as a supervisor would.
      if (port === 0) {
        if (!stopping && /ECONN|CONNECTION_LOST|terminat|starting up|shutting down|recovery|locked/i.test(output))
          return start(index);
        if (!stopping) throw new Error(`A replica did not start:\n${output}`);
        return;
      }
      live[index] = { child, port, skewMs };
    }
    await Promise.all(Array.from({ length: replicas }, (_, index) => start(index)));

    async function killAt(index: number): Promise<void> {
      const replica = live[index];
      live[index] = undefined;
      if (!replica || replica.child.exitCode !== null || replica.child.signalCode !== null) return;
      const exited = once(replica.child, 'exit');
      replica.child.kill('SIGKILL');
      await exited;
    }

    const sockets = new Set<Socket>();
    const proxy = createServer((client) => {
      const candidates = live.filter((replica) => replica !== undefined);
      const target = candidates[Math.floor(random() * candidates.length)];
      if (!target) return void client.destroy();
      const server = connect(target.port, '127.0.0.1');
      for (const [from, to] of [
        [client, server],
        [server, client],
      ] as const) {
        sockets.add(from);
        from.on('error', () => to.destroy());
        from.on('close', () => {
          sockets.delete(from);
          to.destroy();
        });
        from.pipe(to);
      }
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    closers.push(async () => {
      for (const socket of sockets) socket.destroy();
      proxy.close();
    });

    const stopReplicas = async () => {
      stopping = true;
      await Promise.all(live.map((_, index) => killAt(index)));
    };
    closers.push(stopReplicas);

    return {
      config,
      storage: s3Storage(config.storage),
      stopFaults: () => store.setFaults(undefined),
      database,
      announced,
      url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
      stored,
      async killReplica() {
        const index = Math.floor(random() * live.length);
        if (!live[index]) return;
        killed += 1;
        await killAt(index);
        await start(index);
      },
      kills: () => killed,
      stopReplicas,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
