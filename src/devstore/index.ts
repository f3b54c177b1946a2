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
import type { Credentials } from '../s3/index.ts';
import { openBuckets } from './buckets.ts';
import type { Owner, Store } from './call.ts';
import { type CorsRule, checkCorsRules } from './cors-rules.ts';
import { createFaultInjector, type StoreFault } from './fault-injector.ts';
import { PortInUseError } from './port-in-use.ts';
import { createHttpServer, type RequestReport } from './serve.ts';
import { defaultHosts, isBucketName } from './target.ts';

export type { CorsRule } from './cors-rules.ts';
export type { StoreFault, StoreFaultRequest } from './fault-injector.ts';
export { isPortInUse, PortInUseError } from './port-in-use.ts';
export type { RequestReport } from './serve.ts';

export interface DevstoreCredentials extends Credentials {
  /** The account, 12 digits. Keys of one account share its buckets. @default '000000000000' @example '123456789012' */
  accountId?: string;
}

export interface DevstoreOptions {
  /**
   * The folder for all data. It is created when missing. Only one devstore may use it at a time. @example
   * '.waybill/devstore'
   */
  dir: string;
  /**
   * The access keys that requests may be signed with. At least one. @example [{ accessKeyId: 'dev', secretAccessKey:
   * 'devsecret' }]
   */
  credentials: readonly DevstoreCredentials[];
  /** The region that requests must be signed for. @default 'us-east-1' @example 'eu-west-1' */
  region?: string;
  /**
   * Buckets to create at start when missing, owned by the account of the first credentials. @default [] @example
   * ['uploads']
   */
  buckets?: readonly string[];
  /**
   * CORS rules of `buckets`; an empty list removes them. @default the stored rules @example [{ allowedOrigins:
   * ['http://localhost:5173'], allowedMethods: ['GET', 'PUT', 'POST'], allowedHeaders: ['*'] }]
   */
  cors?: readonly CorsRule[];
  /**
   * Deliberate faults, for tests: delays, dropped connections, wrong clocks. @default none @example { probability: 0.2,
   * slowDown: {} }
   */
  faults?: StoreFault | readonly StoreFault[];
  /**
   * Host names for virtual-host requests (`bucket.host`). @default localhost, s3.localhost, s3.amazonaws.com @example
   * ['s3.test']
   */
  hosts?: readonly string[];
  /** Sync files to the disk before the response. @default false @example true */
  durable?: boolean;
  /**
   * `opaque`: ETags are not MD5s, as in buckets of AWS that encrypt with KMS. It saves half of the processor time of a
   * large upload with a SHA-256. @default 'md5' @example 'opaque'
   */
  etags?: 'md5' | 'opaque';
  /** A client that sends nothing for this long gets RequestTimeout, in milliseconds. @default 30_000 @example 5_000 */
  idleTimeoutMs?: number;
  /** Milliseconds since the epoch. @default Date.now */
  now?: () => number;
  /** 0 <= n < 1, for the probability of faults and for request ids. @default Math.random */
  random?: () => number;
  /**
   * Called after each request, for logs and tests. @default none @example ({ method, key, status }) =>
   * console.log(method, key, status)
   */
  onRequest?: (report: RequestReport) => void;
  /** Called for unexpected errors, which clients see as InternalError. @default ignored @example console.error */
  onError?: (error: unknown) => void;
}

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
 * @throws TypeError for invalid options
 */
export async function createDevstore(options: DevstoreOptions): Promise<Devstore> {
  const { credentials, region = 'us-east-1', now = Date.now, random = Math.random } = options;
  const credentialsByKey = new Map(credentials.map((item) => [item.accessKeyId, item]));
  const first = credentials[0];
  if (!first) throw new TypeError('createDevstore: credentials must name at least one access key.');
  for (const name of options.buckets ?? [])
    if (!isBucketName(name)) throw new TypeError(`createDevstore: "${name}" cannot be the name of a bucket.`);
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
