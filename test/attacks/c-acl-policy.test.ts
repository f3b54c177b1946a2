/** C14: the bucket policy of docs/storage.md denies public ACLs. Attack ids: docs/threat-model.md. */
import { PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { storageDocument } from '../support/storage-page.ts';
import { forEachStore } from '../support/stores.ts';
import { publicAclAdditions as additions } from './acl.ts';
import { png, send } from './app.ts';

forEachStore(
  'the policy against public ACLs',
  (store) => {
    it('C14 the bucket policy of docs/storage.md denies public ACLs and grants, and nothing else', async () => {
      const bucket = await store.createBucket();
      await (await store.sdk()).send(
        new PutBucketPolicyCommand({ Bucket: bucket, Policy: await storageDocument('no-public-objects.json', bucket) }),
      );
      // A storage whose requests do not sign an ACL.
      const storage = store.storage({ bucket, capabilities: { refusesUnsignedHeaders: false, unsignedAcls: false } });
      for (const [index, [, name, value]] of additions.entries()) {
        if (!name.startsWith('x-amz-') || value.startsWith('private')) continue;
        const request = storage.presignPut({
          key: `incoming/${index}`,
          size: png.length,
          contentType: 'image/png',
          expiresInSeconds: 60,
        });
        expect([name, value, (await send(request, png, { headers: { [name]: value } })).status]).toEqual([
          name,
          value,
          403,
        ]);
        expect((await send(request, png)).status).toBe(200);
      }
      const signing = store.storage({ bucket });
      const request = signing.presignPut({
        key: 'incoming/own',
        size: 1,
        contentType: 'image/png',
        expiresInSeconds: 60,
      });
      expect((await send(request, Buffer.from('x'))).status).toBe(200);
    });
  },
  // The devstore has no bucket policies, and refuses these headers itself.
  { only: ['ceph'] },
);
