/** Everything around the replicas: the store in its moods, the database, who is told, who kills, and a door to those alive. */
import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDevstore, type Weather } from '../../src/devstore/index.ts';
import { type Storage, s3Storage } from '../../src/s3/index.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';
import type { CrashConfig } from './config.ts';

export interface WorldOptions {
  ledger: 'sqlite' | 'postgres';
  replicas: number;
  /** Of the replicas' clocks. */
  skewsMs: readonly number[];
  replicaFile: string;
  random: () => number;
}

export interface World {
  config: CrashConfig;
  /** Answers now and then as the weather is; `calm` ends that. */
  storage: Storage;
  calm(): void;
  postgres: Postgres | undefined;
  /** How often each upload was announced. */
  announced: Map<string, number>;
  /** Where clients call: whichever replica lives. */
  url: string;
  /** What the store has taken, to be told to whoever wants to know. */
  stored: string[];
  kill(): Promise<void>;
  kills(): number;
  stopReplicas(): Promise<void>;
  close(): Promise<void>;
}

const bucket = 'uploads';
/** The store answers 5 % of calls with 503 and breaks 2 % of connections. */
const moods: Weather[] = [
  { probability: 0.05, slowDown: {} },
  { probability: 0.01, dropRequestAfterBytes: 0 },
  { probability: 0.01, dropResponseAfterBytes: 0 },
];

export async function createWorld({ ledger, replicas, skewsMs, replicaFile, random }: WorldOptions): Promise<World> {
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
      weather: moods,
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
    const postgres = ledger === 'postgres' ? await startPostgres() : undefined;
    if (postgres) closers.push(() => postgres.stop());

    const announced = new Map<string, number>();
    const announcer = createHttpServer((request, response) => {
      const uploadId = (request.url ?? '').slice(1);
      announced.set(uploadId, (announced.get(uploadId) ?? 0) + 1);
      response.end('heard');
    });
    announcer.listen(0, '127.0.0.1');
    await once(announcer, 'listening');
    closers.push(async () => {
      announcer.closeAllConnections();
      announcer.close();
    });

    const config: CrashConfig = {
      ledger: postgres ? postgres.url : `sqlite:${join(dir, 'uploads.db')}`,
      storage: { bucket, endpoint, credentials, capabilities: 'devstore' },
      secret: randomBytes(30).toString('hex'),
      eventsSecret: randomBytes(30).toString('hex'),
      announcer: `http://127.0.0.1:${(announcer.address() as AddressInfo).port}`,
    };

    interface Replica {
      child: ChildProcess;
      port: number;
      skewMs: number;
    }
    const alive: (Replica | undefined)[] = [];
    let ending = false;
    let killed = 0;

    async function start(index: number): Promise<void> {
      const skewMs = skewsMs[index % skewsMs.length] ?? 0;
      const child = fork(replicaFile, [JSON.stringify({ ...config, skewMs })], {
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      });
      let said = '';
      child.stderr?.on('data', (text: Buffer) => {
        said = (said + text).slice(-2000);
      });
      const port = await Promise.race([
        once(child, 'message').then(([message]) => (message as { port: number }).port),
        once(child, 'exit').then(() => 0),
      ]);
      // A database that was away while it started: once more, as a supervisor would.
      if (port === 0) {
        if (!ending && /ECONN|terminat|starting up|shutting down|recovery|locked/i.test(said)) return start(index);
        if (!ending) throw new Error(`A replica did not start:\n${said}`);
        return;
      }
      alive[index] = { child, port, skewMs };
    }
    await Promise.all(Array.from({ length: replicas }, (_, index) => start(index)));

    async function end(index: number): Promise<void> {
      const replica = alive[index];
      alive[index] = undefined;
      if (!replica || replica.child.exitCode !== null || replica.child.signalCode !== null) return;
      const gone = once(replica.child, 'exit');
      replica.child.kill('SIGKILL');
      await gone;
    }

    const sockets = new Set<Socket>();
    const door = createServer((client) => {
      const open = alive.filter((one) => one !== undefined);
      const target = open[Math.floor(random() * open.length)];
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
    door.listen(0, '127.0.0.1');
    await once(door, 'listening');
    closers.push(async () => {
      for (const socket of sockets) socket.destroy();
      door.close();
    });

    const stopReplicas = async () => {
      ending = true;
      await Promise.all(alive.map((_, index) => end(index)));
    };
    closers.push(stopReplicas);

    return {
      config,
      storage: s3Storage(config.storage),
      calm: () => store.setWeather(undefined),
      postgres,
      announced,
      url: `http://127.0.0.1:${(door.address() as AddressInfo).port}`,
      stored,
      async kill() {
        const index = Math.floor(random() * alive.length);
        if (!alive[index]) return;
        killed += 1;
        await end(index);
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
