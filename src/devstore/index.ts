/**
 * devstore: a strict S3-compatible store for development and tests, on plain files. It refuses what AWS refuses, with
 * the codes of AWS. Each object is written to a temporary file and renamed, so that kill -9 leaves no half object.
 *
 * Every known gap is a row of gaps.ts, which is also the table in docs/devstore.md. What is not implemented is answered
 * with NotImplemented and never ignored. Copies and completed uploads share files by hard links where the file system
 * supports them. A request goes through pipeline.ts: resolve, authenticate, find the operation, check, run.
 */
import { createHash } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { WaybillError } from '../protocol/index.ts';
import { checkOptions } from '../protocol/internal.ts';
import { openBuckets } from './buckets.ts';
import type { Owner, Store } from './call.ts';
import { type CorsRule, checkCorsRules } from './cors-rules.ts';
import { createFaultInjector, type StoreFault } from './fault-injector.ts';
import { type DevstoreCredentials, type DevstoreOptions, devstoreOptions } from './options.ts';
import { PortInUseError } from './port-in-use.ts';
import { createHttpServer } from './serve.ts';
import { defaultHosts, isBucketName } from './target.ts';

export type { CorsRule } from './cors-rules.ts';
export type { StoreFault, StoreFaultRequest } from './fault-injector.ts';
export type { DevstoreCredentials, DevstoreOptions } from './options.ts';
export { isPortInUse, PortInUseError } from './port-in-use.ts';
export type { RequestReport } from './serve.ts';

export interface Devstore {
  /** Starts to listen. @throws PortInUseError */
  listen(options?: {
    /** 0: any free port. @default 0 */
    port?: number;
    /** @default '127.0.0.1' */
    host?: string;
  }): Promise<{ port: number; url: string }>;
  /** Closes all connections. Safe to call twice. */
  close(): Promise<void>;
  /** Replaces the CORS rules of a bucket. */
  setCors(bucket: string, rules: readonly CorsRule[]): Promise<void>;
  /** Replaces the faults; undefined removes them. */
  setFaults(faults: StoreFault | readonly StoreFault[] | undefined): void;
}

/**
 * Opens an S3-compatible store on a folder. See docs/devstore.md for what it refuses and where it differs from AWS.
 * @example const store = await createDevstore({ dir: '.devstore', credentials: [{ accessKeyId: 'dev', secretAccessKey:
 * 'devsecret' }] })
 * @throws {WaybillError} `config_invalid` for an invalid option
 */
export async function createDevstore(options: DevstoreOptions): Promise<Devstore> {
  checkOptions('createDevstore()', options, devstoreOptions);
  const { credentials, region = 'us-east-1', now = Date.now, random = Math.random } = options;
  const credentialsByKey = new Map(credentials.map((item) => [item.accessKeyId, item]));
  const [first] = credentials as readonly [DevstoreCredentials, ...DevstoreCredentials[]];
  for (const name of options.buckets ?? [])
    if (!isBucketName(name)) throw new WaybillError('config_invalid', `"${name}" cannot be the name of a bucket.`);
  const rules = options.cors && checkCorsRules(options.cors);
  const owners = new Map(credentials.map((item) => ownerEntry(item)));
  const faultInjector = createFaultInjector(random, options.faults);
  const buckets = await openBuckets(options.dir, { sync: options.durable ?? false });
  const store: Store = {
    buckets,
    region,
    ownerOf: (accessKeyId) => ownerEntry(credentialsByKey.get(accessKeyId) ?? first)[1],
    ownerById: (id) => owners.get(id) ?? { id, displayName: 'devstore', accountId: defaultAccount },
    now: () => now() + faultInjector.clockSkewMs(),
    random,
    idleTimeoutMs: options.idleTimeoutMs ?? 30_000,
    md5Etags: (options.etags ?? 'md5') === 'md5',
  };
  for (const name of options.buckets ?? []) {
    const made = await buckets.create({ name, region, ownerId: store.ownerOf(first.accessKeyId).id, created: now() });
    const bucket = made ?? buckets.get(name);
    if (rules && bucket) await bucket.save({ cors: rules });
  }

  const server = createHttpServer({
    store,
    lookup: (accessKeyId) => credentialsByKey.get(accessKeyId),
    hosts: (options.hosts ?? defaultHosts).map((host) => host.toLowerCase()),
    faultInjector,
    onRequest: options.onRequest,
    onError: options.onError,
  });

  return {
    async listen({ port = 0, host = '127.0.0.1' } = {}) {
      await new Promise<void>((resolve, reject) => {
        const onError = (error: NodeJS.ErrnoException) =>
          reject(error.code === 'EADDRINUSE' ? new PortInUseError(port, host) : error);
        server.once('error', onError);
        server.listen(port, host, () => {
          server.off('error', onError);
          resolve();
        });
      });
      const bound = (server.address() as AddressInfo).port;
      return { port: bound, url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}` };
    },
    async close() {
      if (!server.listening) return;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
    async setCors(name, next) {
      const bucket = buckets.get(name);
      if (!bucket) throw new TypeError(`setCors: there is no bucket "${name}".`);
      await bucket.save({ cors: checkCorsRules(next) });
    },
    setFaults: faultInjector.set,
  };
}

const defaultAccount = '000000000000';

function ownerEntry({ accountId = defaultAccount }: DevstoreCredentials): [string, Owner] {
  const id = createHash('sha256').update(`devstore account ${accountId}`).digest('hex');
  return [id, { id, displayName: 'devstore', accountId }];
}
