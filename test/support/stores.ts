/**
 * Runs a suite against each store: the devstore in this process, Ceph, and another S3 endpoint when S3_TEST_ENDPOINT,
 * S3_TEST_BUCKET, S3_TEST_ACCESS_KEY and S3_TEST_SECRET_KEY name one (S3_TEST_REGION, default us-east-1;
 * S3_TEST_PRESET, default aws). S3_TEST_BUCKET must be for tests only: the suites replace its CORS rules and leave
 * objects behind.
 *
 *     forEachStore('promotion', (store) => {
 *       it('promotion moves the object', async () => {
 *         const storage = store.storage();
 *         ...
 *       });
 *     });
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CORSRule, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, inject } from 'vitest';
import { createDevstore } from '../../src/devstore/index.ts';
import {
  type CapabilityPreset,
  type Credentials,
  type S3StorageOptions,
  type Storage,
  s3Storage,
} from '../../src/s3/index.ts';
import { isFullSize } from './test-size.ts';

export interface TestStore {
  readonly name: StoreName;
  readonly preset: CapabilityPreset;
  /** Available from `beforeAll` on, like the members below. Loopback, no path, no trailing slash. */
  readonly endpoint: string;
  readonly region: string;
  /** A new, empty bucket for the suite, except on an external store. CORS is open to every origin. */
  readonly bucket: string;
  readonly credentials: Credentials;
  /** Creates a storage with the store's capabilities preset and without retries. */
  storage(overrides?: Partial<S3StorageOptions>): Storage;
  /** Replaces the bucket's CORS rules; an empty list removes them all. */
  setCors(rules: readonly CORSRule[]): Promise<void>;
  /** Another empty bucket on the same store. An external store refuses. */
  createBucket(): Promise<string>;
  /** The AWS SDK on this store, for comparison and for operations that {@link Storage} does not have. */
  sdk(): Promise<S3Client>;
}

export type StoreName = 'devstore' | 'ceph' | 'external';

/** Lets a page of any origin send forms and files and read the answers. */
export const openCors: readonly CORSRule[] = [
  {
    AllowedOrigins: ['*'],
    AllowedMethods: ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'],
    AllowedHeaders: ['*'],
    ExposeHeaders: ['ETag', 'Retry-After'],
    MaxAgeSeconds: 3000,
  },
];

interface StoreLocation {
  endpoint: string;
  region: string;
  credentials: Credentials;
  /** Undefined when the suite creates a new bucket. */
  bucket?: string;
  close?(): Promise<void>;
}

/**
 * For suites about what the page shows, which hardly depends on the storage: other storages than the devstore run them
 * at full size only.
 */
export const pageStores: readonly StoreName[] = isFullSize ? ['devstore', 'ceph', 'external'] : ['devstore'];

/** `npm test` uses only the devstore and leaves the others out without a warning: see scripts/lib/plan.mjs. */
const onlyDevstore = process.env.WAYBILL_STORES === 'devstore';

/**
 * Describes the suite once for each available store. `only` selects some; the caller states the reason in a comment.
 */
export function forEachStore(
  name: string,
  suite: (store: TestStore) => void,
  options: { only?: readonly StoreName[] } = {},
): void {
  const wanted = (store: StoreName) =>
    (options.only?.includes(store) ?? true) && (store === 'devstore' || !onlyDevstore);
  if (wanted('devstore')) describeStore(name, 'devstore', 'devstore', suite, openDevstore);
  if (wanted('ceph')) {
    const ceph = inject('ceph');
    if (ceph) describeStore(name, 'ceph', 'ceph16', suite, async () => ceph);
    else describe.skip(`${name} [ceph: not installed]`, () => suite(createStore('ceph', 'ceph16', unopened)));
  }
  const external = findExternalStore();
  if (external && wanted('external'))
    describeStore(name, 'external', external.preset, suite, async () => external.location);
  // Vitest fails a file without a suite.
  if (onlyDevstore && !wanted('devstore'))
    describe.skip(`${name} [not on the devstore]`, () => suite(createStore('ceph', 'ceph16', unopened)));
}

function describeStore(
  name: string,
  store: StoreName,
  preset: CapabilityPreset,
  suite: (store: TestStore) => void,
  open: () => Promise<StoreLocation>,
): void {
  describe(`${name} [${store}]`, () => {
    let location: StoreLocation | undefined;
    let bucket = '';
    const opened = () => (location ? { ...location, bucket } : unopened());
    const testStore = createStore(store, preset, opened);
    beforeAll(async () => {
      location = await open();
      bucket = location.bucket ?? (await createBucket(await testStore.sdk()));
      await testStore.setCors(openCors);
    });
    afterAll(async () => {
      (await clients.get(testStore))?.destroy();
      await location?.close?.();
    });
    suite(testStore);
  });
}

type Opened = StoreLocation & { bucket: string };

function unopened(): Opened {
  throw new Error(
    'The store is opened in beforeAll: use it inside a test or a hook, not while the suite is described.',
  );
}

const clients = new WeakMap<TestStore, Promise<S3Client>>();

function createStore(name: StoreName, preset: CapabilityPreset, opened: () => Opened): TestStore {
  const store: TestStore = {
    name,
    preset,
    get endpoint() {
      return opened().endpoint;
    },
    get region() {
      return opened().region;
    },
    get bucket() {
      return opened().bucket;
    },
    get credentials() {
      return opened().credentials;
    },
    storage(overrides = {}) {
      const { endpoint, region, bucket, credentials } = opened();
      return s3Storage({ endpoint, region, bucket, credentials, capabilities: preset, retries: 0, ...overrides });
    },
    async setCors(rules) {
      const { DeleteBucketCorsCommand, PutBucketCorsCommand } = await import('@aws-sdk/client-s3');
      const client = await store.sdk();
      const Bucket = opened().bucket;
      if (rules.length === 0) await client.send(new DeleteBucketCorsCommand({ Bucket }));
      else await client.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules: [...rules] } }));
    },
    async createBucket() {
      if (name === 'external') throw new Error('Suites cannot create buckets on an external store.');
      const bucket = await createBucket(await store.sdk());
      return bucket;
    },
    sdk() {
      let client = clients.get(store);
      if (!client) {
        client = createSdk(opened());
        clients.set(store, client);
      }
      return client;
    },
  };
  return store;
}

async function createSdk({ endpoint, region, credentials }: StoreLocation): Promise<S3Client> {
  const { S3Client } = await import('@aws-sdk/client-s3');
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  return new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
  });
}

async function createBucket(client: S3Client): Promise<string> {
  const { CreateBucketCommand } = await import('@aws-sdk/client-s3');
  const bucket = `waybill-${randomBytes(6).toString('hex')}`;
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  return bucket;
}

async function openDevstore(): Promise<StoreLocation> {
  const dir = await mkdtemp(join(tmpdir(), 'waybill-devstore-'));
  const region = 'us-east-1';
  const credentials = {
    accessKeyId: `dev${randomBytes(8).toString('hex')}`,
    secretAccessKey: randomBytes(20).toString('hex'),
  };
  const bucket = `waybill-${randomBytes(6).toString('hex')}`;
  const devstore = await createDevstore({ dir, credentials: [credentials], region, buckets: [bucket] });
  const { url } = await devstore.listen({ port: 0 });
  return {
    endpoint: new URL(url).origin,
    region,
    credentials,
    bucket,
    async close() {
      await devstore.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** An incomplete configuration is an error, so that the suite is not skipped by mistake. */
function findExternalStore(): { location: StoreLocation; preset: CapabilityPreset } | undefined {
  const variables = ['S3_TEST_ENDPOINT', 'S3_TEST_BUCKET', 'S3_TEST_ACCESS_KEY', 'S3_TEST_SECRET_KEY'] as const;
  const [endpoint, bucket, accessKeyId, secretAccessKey] = variables.map((variable) => process.env[variable]);
  if (!endpoint && !bucket) return undefined;
  if (!endpoint || !bucket || !accessKeyId || !secretAccessKey)
    throw new Error(`An external store needs all of ${variables.join(', ')}.`);
  return {
    location: {
      endpoint: endpoint.replace(/\/+$/, ''),
      bucket,
      region: process.env.S3_TEST_REGION ?? 'us-east-1',
      credentials: { accessKeyId, secretAccessKey },
    },
    preset: (process.env.S3_TEST_PRESET ?? 'aws') as CapabilityPreset,
  };
}
