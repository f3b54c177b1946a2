/**
 * Starts a Ceph RADOS Gateway for a test run: one monitor, one in-memory OSD and one gateway, on free loopback ports,
 * in a temporary directory, without systemd. The suites need an S3 server that is not part of this project.
 *
 * Needs Debian's ceph-mon, ceph-osd and radosgw, which depend on `ceph` and the admin tools.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { accessSync, constants, openSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

export interface CephInfo {
  endpoint: string;
  region: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
  /** A second user who has only the permissions of a bucket policy. */
  limited: { arn: string; credentials: { accessKeyId: string; secretAccessKey: string } };
}

export interface Ceph extends CephInfo {
  pids: readonly number[];
  /** Ends the three processes and removes what they wrote. */
  stop(): Promise<void>;
}

export interface CephOptions {
  /** Length of a lifecycle "day", so that tests can observe lifecycle rules. @default a real day */
  lifecycleDayInSeconds?: number;
  /** Capacity of the in-memory OSD, in bytes. @default 2 GiB */
  maxBytes?: number;
  /** More lines for the gateway's section, such as `rgw s3 auth use sts = true`. @default [] */
  gatewayOptions?: readonly string[];
}

const tools = ['ceph', 'ceph-authtool', 'ceph-mon', 'ceph-osd', 'monmaptool', 'radosgw', 'radosgw-admin'] as const;

/** Returns the programs that are not installed. Ceph can be started when there are none. */
export function missingCephTools(): string[] {
  return tools.filter((tool) => !onPath(tool));
}

/** Starts a new cluster in about three seconds. Tries other ports when another process has taken one. */
export async function startCeph(options: CephOptions = {}): Promise<Ceph> {
  const missing = missingCephTools();
  if (missing.length > 0) throw new Error(`Ceph cannot start: ${missing.join(', ')} not found`);
  let failure: unknown;
  for (let attempt = 0; attempt < 3; attempt++) {
    const cluster = await createCluster(options);
    try {
      await cluster.start();
      return cluster.ceph;
    } catch (error) {
      failure = new Error(`Ceph did not start. ${await cluster.logs()}`, { cause: error });
      await cluster.ceph.stop();
    }
  }
  throw failure;
}

async function createCluster(options: CephOptions) {
  const dir = await mkdtemp(join(tmpdir(), 'waybill-ceph-'));
  const [monV2, monV1, gateway] = await freePorts(3);
  const monitor = `[v2:127.0.0.1:${monV2},v1:127.0.0.1:${monV1}]`;
  const fsid = randomUUID();
  const conf = join(dir, 'ceph.conf');
  const keyring = join(dir, 'keyring');
  const daemons: { name: string; child: ChildProcess; ended: Promise<string> }[] = [];
  const info: CephInfo = {
    endpoint: `http://127.0.0.1:${gateway}`,
    region: 'us-east-1',
    credentials: {
      accessKeyId: `ceph${randomBytes(8).toString('hex')}`,
      secretAccessKey: randomBytes(20).toString('hex'),
    },
    limited: {
      arn: 'arn:aws:iam:::user/limited',
      credentials: {
        accessKeyId: `limited${randomBytes(8).toString('hex')}`,
        secretAccessKey: randomBytes(20).toString('hex'),
      },
    },
  };

  const run = (tool: (typeof tools)[number], ...args: string[]) =>
    promisify(execFile)(tool, args, { timeout: 30_000, killSignal: 'SIGKILL' });

  const daemon = (name: string, tool: (typeof tools)[number], ...args: string[]) => {
    const log = openSync(join(dir, `${name}.out`), 'a');
    // The kernel kills the daemon together with this process, even after SIGKILL.
    const tether = onPath('setpriv') ? ['setpriv', '--pdeathsig', 'KILL', '--'] : [];
    const [command = tool, ...rest] = [...tether, tool, '-c', conf, '-f', ...args];
    const child = spawn(command, rest, { stdio: ['ignore', log, log] });
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(`${name}: ${error.message}`));
      child.once('exit', (code, signal) => resolve(`${name} ended with ${code ?? signal}`));
    });
    daemons.push({ name, child, ended });
  };

  /** Resolves as `work` does, or rejects when a daemon ends first. */
  const whileAlive = <T>(work: Promise<T>): Promise<T> =>
    Promise.race([work, ...daemons.map(({ ended }) => ended.then((why) => Promise.reject<T>(new Error(why))))]);

  const killAll = () => {
    for (const { child } of daemons) child.kill('SIGKILL');
  };
  process.once('exit', killAll);

  return {
    async start() {
      await mkdir(join(dir, 'mon'));
      await mkdir(join(dir, 'osd'));
      await writeFile(conf, configuration({ dir, fsid, monitor, gateway, ...options }));
      await run('ceph-authtool', '--create-keyring', keyring, '--gen-key', '-n', 'mon.', '--cap', 'mon', 'allow *');
      for (const [name, ...caps] of [
        ['client.admin', 'mon', 'allow *', 'osd', 'allow *', 'mgr', 'allow *'],
        ['osd.0', 'mon', 'allow profile osd', 'osd', 'allow *'],
        ['client.rgw.a', 'mon', 'allow rw', 'osd', 'allow rwx'],
      ]) {
        const capArgs = caps.flatMap((cap, index) => (index % 2 === 0 ? ['--cap', cap] : [cap]));
        await run('ceph-authtool', keyring, '--gen-key', '-n', String(name), ...capArgs);
      }
      const monmap = join(dir, 'monmap');
      await run('monmaptool', '-c', conf, '--create', '--fsid', fsid, '--addv', 'a', monitor, monmap);
      await run('ceph-mon', '-c', conf, '-i', 'a', '--mkfs', '--monmap', monmap, '--keyring', keyring);
      daemon('mon', 'ceph-mon', '-i', 'a');
      const osd = randomUUID();
      await whileAlive(run('ceph', '-c', conf, '--connect-timeout', '20', 'osd', 'new', osd, '0'));
      await run('ceph-osd', '-c', conf, '-i', '0', '--mkfs', '--osd-uuid', osd);
      daemon('osd', 'ceph-osd', '-i', '0');
      daemon('rgw', 'radosgw', '-n', 'client.rgw.a');
      await whileAlive(waitForHttp(info.endpoint));
      for (const [uid, { accessKeyId, secretAccessKey }] of [
        ['test', info.credentials],
        ['limited', info.limited.credentials],
      ] as const)
        await whileAlive(
          run(
            'radosgw-admin',
            '-c',
            conf,
            '-n',
            'client.rgw.a',
            'user',
            'create',
            `--uid=${uid}`,
            `--display-name=${uid}`,
            `--access-key=${accessKeyId}`,
            `--secret=${secretAccessKey}`,
          ),
        );
    },

    async logs() {
      const tails = daemons.map(async ({ name }) => {
        const text = await readFile(join(dir, `${name}.out`), 'utf8').catch(() => '');
        return `${name}: ${text.trim().split('\n').slice(-5).join('\n')}`;
      });
      return (await Promise.all(tails)).join('\n');
    },

    ceph: {
      ...info,
      get pids() {
        return daemons.flatMap(({ child }) => child.pid ?? []);
      },
      async stop() {
        killAll();
        await Promise.all(daemons.map(({ ended }) => ended));
        process.off('exit', killAll);
        rmSync(dir, { recursive: true, force: true });
      },
    } satisfies Ceph,
  };
}

/** One replica on one OSD, small pools, and no health checks that fail on a nearly full disk. */
function configuration(
  cluster: CephOptions & { dir: string; fsid: string; monitor: string; gateway: number | undefined },
) {
  const { dir, fsid, monitor, gateway } = cluster;
  return `[global]
fsid = ${fsid}
mon host = ${monitor}
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
keyring = ${dir}/keyring
run dir = ${dir}
admin socket = ${dir}/$name.asok
log file = ${dir}/$name.log
mon data = ${dir}/mon
mon allow pool size one = true
mon warn on pool no redundancy = false
mon max pg per osd = 1000
mon data avail crit = 1
mon osd full ratio = 0.99
mon osd nearfull ratio = 0.98
paxos propose interval = 0.05
osd data = ${dir}/osd
osd objectstore = memstore
osd memory target = 939524096
memstore device bytes = ${cluster.maxBytes ?? 2 * 1024 ** 3}
osd crush chooseleaf type = 0
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
[client.rgw.a]
rgw frontends = beast endpoint=127.0.0.1:${gateway}
rgw data = ${dir}
rgw thread pool size = 32
rgw enable usage log = false
rgw lc debug interval = ${cluster.lifecycleDayInSeconds ?? -1}
${(cluster.gatewayOptions ?? []).join('\n')}
`;
}

/** Polls the endpoint until it answers HTTP. */
async function waitForHttp(endpoint: string): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const status = await fetch(endpoint, { signal: AbortSignal.timeout(5_000) }).then(
      (response) => response.body?.cancel().then(() => response.status),
      () => undefined,
    );
    if (status !== undefined) return;
    if (Date.now() > deadline) throw new Error('the gateway does not answer');
    await sleep(50);
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    if (typeof address !== 'object' || !address) throw new Error('no port');
    return address.port;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function onPath(tool: string): boolean {
  // Debian keeps some of the tools in sbin. Without sbin in PATH, `spawn` cannot find them either.
  return (process.env.PATH ?? '').split(delimiter).some((dir) => {
    try {
      accessSync(join(dir, tool), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
