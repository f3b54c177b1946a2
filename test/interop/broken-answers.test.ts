/** Completion reads an object although answers of the storage break off. test/faults found each of these faults. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createDevstore, type Devstore } from '../../src/devstore/index.ts';
import { KiB } from '../../src/protocol/index.ts';
import { type Storage, s3Storage } from '../../src/s3/index.ts';
import { readStagedObject } from '../../src/server/completion/staged-object.ts';

let dir: string;
let store: Devstore;
let storage: Storage;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'waybill-verify-'));
  const credentials = { accessKeyId: 'verify', secretAccessKey: 'verify-secret' };
  store = await createDevstore({ dir, credentials: [credentials], buckets: ['uploads'] });
  const { url: endpoint } = await store.listen();
  storage = s3Storage({ bucket: 'uploads', endpoint, credentials, capabilities: 'devstore' });
});
beforeEach(() => store.setFaults(undefined));
afterAll(async () => {
  await store?.close();
  if (dir) await rm(dir, { recursive: true, force: true });
});

async function put(key: string, size: number): Promise<void> {
  await storage.put({ key, body: new Uint8Array(size).fill(65), contentType: 'text/plain' });
}

it('completion takes the size from HEAD when the body of a small object was cut short', async () => {
  await put('small', 1000);
  let cuts = 1;
  store.setFaults({ when: ({ method }) => method === 'GET' && cuts-- > 0, truncateResponseTo: 99 });
  const staged = await readStagedObject(storage, 'small', 1000);
  expect(staged?.info.size).toBe(1000);
  expect(staged?.head).toHaveLength(1000);
});

it('incomplete first bytes are storage_unavailable, not a rejection', async () => {
  await put('large', 100 * KiB);
  store.setFaults({ when: ({ method }) => method === 'GET', truncateResponseTo: 99 });
  await expect(readStagedObject(storage, 'large', 100 * KiB)).rejects.toMatchObject({
    code: 'storage_unavailable',
    retryable: true,
  });
});

it('a connection that is lost within the first bytes is storage_unavailable', async () => {
  await put('large', 100 * KiB);
  store.setFaults({ when: ({ method }) => method === 'GET', dropResponseAfterBytes: 796 });
  await expect(readStagedObject(storage, 'large', 100 * KiB)).rejects.toMatchObject({
    code: 'storage_unavailable',
    retryable: true,
  });
});
