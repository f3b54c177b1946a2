/**
 * The stores that a suite runs against: the devstore in this process, Ceph (a server that we did not write), and any other
 * S3 endpoint named by S3_TEST_ENDPOINT, S3_TEST_BUCKET, S3_TEST_ACCESS_KEY and S3_TEST_SECRET_KEY (S3_TEST_REGION, default
 * us-east-1; S3_TEST_PRESET, default aws). S3_TEST_BUCKET must be for tests only: its CORS rules are replaced, and what the
 * suites write stays there.
 *
 *     forEachStore('promotion', (store) => {
 *       it('moves the object', async () => {
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
import { type CapabilityPreset, type Credentials, type S3StorageOptions, type Storage, s3Storage } from '../../src/s3/index.ts';

export interface TestStore {
  readonly name: StoreName;
  readonly preset: CapabilityPreset;
  /** Known from `beforeAll` on, like all below. Loopback, no path, no trailing slash. */
  readonly endpoint: string;
  readonly region: string;
  /** Fresh and empty for the suite (an external store's is neither), CORS open to every origin. */
  readonly bucket: string;
  readonly credentials: Credentials;
  /** A new one for each call, with the store's capabilities preset and no retries unless told. */
  storage(overrides?: Partial<S3StorageOptions>): Storage;
  /** Replaces the bucket's CORS rules; an empty list removes them all. */
  setCors(rules: readonly CORSRule[]): Promise<void>;
  /** Another empty bucket on the same store. An external store refuses. */
  createBucket(): Promise<string>;
  /** The AWS SDK on this store: an oracle, and a way to do what {@link Storage} does not. */
  sdk(): Promise<S3Client>;
}

export type StoreName = 'devstore' | 'ceph' | 'external';

/** What a page of any origin needs: to send forms and files, and to read the answer. */
export const openCors: readonly CORSRule[] = [
  {
    AllowedOrigins: ['*'],
    AllowedMethods: ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'],
    AllowedHeaders: ['*'],
    ExposeHeaders: ['ETag', 'Retry-After'],
    MaxAgeSeconds: 3000,
  },
];

interface Place {
  endpoint: string;
  region: string;
  credentials: Credentials;
  /** Undefined where a fresh one is to be created. */
  bucket?: string;
  close?(): Promise<void>;
}

/** `npm test` is for the devstore alone, and leaves the others out without a word: scripts/lib/plan.mjs. */
const onlyDevstore = process.env.WAYBILL_STORES === 'devstore';

/** Describes the suite once for each store at hand. `only` narrows it to some, with the reason beside the call. */
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
    else describe.skip(`${name} [ceph: not on this machine]`, () => suite(createStore('ceph', 'ceph16', unopened)));
  }
  const external = externalPlace();
  if (external && wanted('external'))
    describeStore(name, 'external', external.preset, suite, async () => external.place);
  // A file without a suite would fail.
  if (onlyDevstore && !wanted('devstore'))
    describe.skip(`${name} [not on the devstore]`, () => suite(createStore('ceph', 'ceph16', unopened)));
}

function describeStore(
  name: string,
  store: StoreName,
  preset: CapabilityPreset,
  suite: (store: TestStore) => void,
  open: () => Promise<Place>,
): void {
  describe(`${name} [${store}]`, () => {
    let place: Place | undefined;
    let bucket = '';
    const opened = () => (place ? { ...place, bucket } : unopened());
    const testStore = createStore(store, preset, opened);
    beforeAll(async () => {
      place = await open();
      bucket = place.bucket ?? (await createBucket(await testStore.sdk()));
      await testStore.setCors(openCors);
    });
    afterAll(async () => {
      (await clients.get(testStore))?.destroy();
      await place?.close?.();
    });
    suite(testStore);
  });
}

type Opened = Place & { bucket: string };

function unopened(): Opened {
  throw new Error('The store opens in beforeAll: use it inside a test or a hook, not while the suite is described');
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
      if (name === 'external') throw new Error('An external store has the one bucket it was given');
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

async function createSdk({ endpoint, region, credentials }: Place): Promise<S3Client> {
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

async function openDevstore(): Promise<Place> {
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

/** All four variables or none: half a configuration is a mistake, not a reason to test less. */
function externalPlace(): { place: Place; preset: CapabilityPreset } | undefined {
  const variables = ['S3_TEST_ENDPOINT', 'S3_TEST_BUCKET', 'S3_TEST_ACCESS_KEY', 'S3_TEST_SECRET_KEY'] as const;
  const [endpoint, bucket, accessKeyId, secretAccessKey] = variables.map((variable) => process.env[variable]);
  if (!endpoint && !bucket) return undefined;
  if (!endpoint || !bucket || !accessKeyId || !secretAccessKey)
    throw new Error(`An external store needs all of ${variables.join(', ')}`);
  return {
    place: {
      endpoint: endpoint.replace(/\/+$/, ''),
      bucket,
      region: process.env.S3_TEST_REGION ?? 'us-east-1',
      credentials: { accessKeyId, secretAccessKey },
    },
    preset: (process.env.S3_TEST_PRESET ?? 'aws') as CapabilityPreset,
  };
}
