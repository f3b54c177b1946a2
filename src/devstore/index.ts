/**
 * devstore: a strict S3-compatible store for development and tests, on plain files. It refuses what AWS refuses, with
 * AWS's codes, and keeps what it accepts: written beside and renamed, so that kill -9 leaves no half object.
 *
 * Gaps, all answered with NotImplemented unless they say otherwise:
 * - versioning (every object is the version `null`), object lock, retention, legal hold, restore, archive classes;
 * - bucket policies, lifecycle, replication, website, notification, logging, inventory, metrics, access points, S3
 *   Select, torrents, access grants, directory buckets. Reading such a setting answers as where nobody set it;
 * - encryption with KMS or customer keys. `AES256` is accepted and answered, but nothing is encrypted;
 * - ACLs: disabled (bucket owner enforced), as in new buckets of AWS. There is no anonymous access and no IAM: an
 *   account may do everything with its own buckets;
 * - SigV4A, and SigV2 but for presigned URLs and forms in AWS's regions from before 2014 (boto3 and the AWS CLI make
 *   those unasked for us-east-1); TLS (put a proxy before it);
 * - DeleteObjects takes `x-amz-bypass-governance-retention`, which AWS refuses without object lock: test suites send it;
 * - CopyObject of what was sent in parts answers with the ETag and checksum of the whole, as AWS does, up to 64 MiB. Of
 *   more, the bytes are not read: the ETag is an opaque one without `-N`, and there is a checksum only where it follows
 *   from the parts' (CRCs) or the request asks for one;
 * - a body sent with `Transfer-Encoding: chunked` and no length is MissingContentLength (AWS: 501 for some of them);
 * - the keys of all buckets are held in memory, about 100 bytes each, and so are the parts of 32 multipart uploads. Copies
 *   and completed uploads share files by hard links where the file system has them. Nothing is synced to the disk before it is
 *   acknowledged unless `durable` is set: a power cut may lose the latest objects, a crash of the process does not.
 */
import { createHash } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { Credentials } from '../s3/index.ts';
import { openBuckets } from './buckets.ts';
import type { Owner, Store } from './call.ts';
import { type CorsRule, checkCorsRules } from './cors-rules.ts';
import { PortInUseError } from './port-in-use.ts';
import { createHttpServer, type RequestReport } from './serve.ts';
import { defaultHosts, isBucketName } from './target.ts';
import { createClimate, type Weather } from './weather.ts';

export type { CorsRule } from './cors-rules.ts';
export { isPortInUse, PortInUseError } from './port-in-use.ts';
export type { RequestReport } from './serve.ts';
export type { Weather, WeatherRequest } from './weather.ts';

export interface DevstoreCredentials extends Credentials {
  /** 12 digits. Keys of one account share its buckets. @default '000000000000' */
  accountId?: string;
}

export interface DevstoreOptions {
  /** Everything is kept under this folder. It is made when missing. Only one devstore may use it at a time. */
  dir: string;
  /** Who may use it. At least one. */
  credentials: readonly DevstoreCredentials[];
  /** What requests must be signed for. @default 'us-east-1' */
  region?: string;
  /** Made at start when missing, owned by the first credentials' account. @default [] */
  buckets?: readonly string[];
  /** CORS rules of `buckets`; an empty list removes them. @default what they had */
  cors?: readonly CorsRule[];
  /** @default none */
  weather?: Weather | readonly Weather[];
  /** Hosts that a bucket's name may stand before. @default localhost, s3.localhost, s3.amazonaws.com */
  hosts?: readonly string[];
  /** Sync files to the disk before answering. @default false */
  durable?: boolean;
  /**
   * `opaque`: ETags are no MD5s, as in buckets of AWS that encrypt with KMS. Saves half of the processor time that a large
   * upload with a SHA-256 costs. @default 'md5'
   */
  etags?: 'md5' | 'opaque';
  /** A sender that falls silent gets RequestTimeout. @default 30_000 */
  idleTimeoutMs?: number;
  /** Milliseconds since the epoch. @default Date.now */
  now?: () => number;
  /** 0 <= n < 1, for the weather and for request identifiers. @default Math.random */
  random?: () => number;
  onRequest?: (report: RequestReport) => void;
  /** Unexpected failures, which clients see as InternalError. @default ignored */
  onError?: (error: unknown) => void;
}

export interface Devstore {
  /** @throws PortInUseError */
  listen(options?: {
    /** 0: any free one. @default 0 */
    port?: number;
    /** @default '127.0.0.1' */
    host?: string;
  }): Promise<{ port: number; url: string }>;
  /** Ends open connections. Safe to call twice. */
  close(): Promise<void>;
  setCors(bucket: string, rules: readonly CorsRule[]): Promise<void>;
  setWeather(weather: Weather | readonly Weather[] | undefined): void;
}

export async function createDevstore(options: DevstoreOptions): Promise<Devstore> {
  const { credentials, region = 'us-east-1', now = Date.now, random = Math.random } = options;
  const byKey = new Map(credentials.map((item) => [item.accessKeyId, item]));
  const first = credentials[0];
  if (!first) throw new TypeError('createDevstore: credentials must name at least one access key.');
  for (const name of options.buckets ?? [])
    if (!isBucketName(name)) throw new TypeError(`createDevstore: "${name}" cannot be the name of a bucket.`);
  const rules = options.cors && checkCorsRules(options.cors);
  const owners = new Map(credentials.map((item) => ownerEntry(item)));
  const climate = createClimate(random, options.weather);
  const buckets = await openBuckets(options.dir, { sync: options.durable ?? false });
  const store: Store = {
    buckets,
    region,
    ownerOf: (accessKeyId) => ownerEntry(byKey.get(accessKeyId) ?? first)[1],
    ownerById: (id) => owners.get(id) ?? { id, displayName: 'devstore', accountId: defaultAccount },
    now: () => now() + climate.clockSkewMs(),
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
    lookup: (accessKeyId) => byKey.get(accessKeyId),
    hosts: (options.hosts ?? defaultHosts).map((host) => host.toLowerCase()),
    climate,
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
    setWeather: climate.set,
  };
}

const defaultAccount = '000000000000';

function ownerEntry({ accountId = defaultAccount }: DevstoreCredentials): [string, Owner] {
  const id = createHash('sha256').update(`devstore account ${accountId}`).digest('hex');
  return [id, { id, displayName: 'devstore', accountId }];
}
