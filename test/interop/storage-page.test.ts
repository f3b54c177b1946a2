/** Real storages accept the set-up commands of docs/storage.md, and then behave as the page says. */
import {
  GetBucketLifecycleConfigurationCommand,
  PutBucketCorsCommand,
  PutBucketLifecycleConfigurationCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { capabilityPresets } from '../../src/s3/index.ts';
import { storageDocument, storageDocuments, storagePage } from '../support/storage-page.ts';
import { forEachStore } from '../support/stores.ts';

describe('docs/storage.md', () => {
  it('writes documents and sends each of them', async () => {
    const documents = await storageDocuments('user-content');
    expect([...documents.keys()]).toEqual([
      'no-public-objects.json',
      'cors.json',
      'lifecycle.json',
      'server-policy.json',
    ]);
    const page = await storagePage();
    for (const [name, text] of documents) {
      expect(() => JSON.parse(text), name).not.toThrow();
      expect(text).not.toContain('$');
      expect(page).toMatch(new RegExp(`^aws .*--bucket \\$BUCKET .*file://${name}$|^aws iam .*file://${name}$`, 'm'));
    }
  });

  it('has a row for every preset', async () => {
    const page = await storagePage();
    const rows = [...page.matchAll(/^\| `([a-z0-9]+)` \| .* \| .* \| .* \|$/gm)].map(([, name]) => name);
    expect(rows.sort()).toEqual(Object.keys(capabilityPresets).sort());
  });
});

forEachStore('the set-up of docs/storage.md', (store) => {
  it('allows the named pages to send to the bucket, and no others', async () => {
    const bucket = await store.createBucket();
    const CORSConfiguration = JSON.parse(await storageDocument('cors.json', bucket));
    await (await store.sdk()).send(new PutBucketCorsCommand({ Bucket: bucket, CORSConfiguration }));
    const ask = (origin: string, method: string) =>
      fetch(`${store.endpoint}/${bucket}/incoming/a`, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': method,
          'access-control-request-headers': 'content-type,x-amz-checksum-sha256,x-amz-meta-waybill',
        },
      });
    for (const method of ['PUT', 'POST', 'GET']) {
      const allowed = await ask('https://app.example', method);
      expect([method, allowed.status]).toEqual([method, 200]);
      expect(allowed.headers.get('access-control-allow-origin')).toBe('https://app.example');
    }
    expect((await ask('https://other.example', 'PUT')).status).toBe(403);
  });
});

forEachStore(
  'the lifecycle rule of docs/storage.md',
  (store) => {
    it('is accepted, and covers staging and unfinished uploads', async () => {
      const bucket = await store.createBucket();
      const LifecycleConfiguration = JSON.parse(await storageDocument('lifecycle.json', bucket));
      const sdk = await store.sdk();
      await sdk.send(new PutBucketLifecycleConfigurationCommand({ Bucket: bucket, LifecycleConfiguration }));
      const { Rules } = await sdk.send(new GetBucketLifecycleConfigurationCommand({ Bucket: bucket }));
      expect(Rules?.map(({ ID }) => ID).sort()).toEqual(['waybill-copies', 'waybill-incoming']);
    });
  },
  { only: ['ceph'] }, // The devstore has no lifecycle rules: docs/devstore.md.
);
