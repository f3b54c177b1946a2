/**
 * C9: the least-privilege policy of docs/storage.md allows what the server needs and nothing else.
 * Attack ids: docs/threat-model.md.
 */
import { DeleteObjectCommand, PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import { expect, inject, it } from 'vitest';
import { isS3Error } from '../../src/s3/index.ts';
import { route } from '../../src/server/index.ts';
import { partSize, pngOf } from '../support/multipart.ts';
import { storageDocument } from '../support/storage-page.ts';
import { forEachStore } from '../support/stores.ts';
import { errorOf, partsOf, png, send, startApp } from './app.ts';

interface Statement {
  Sid: string;
  Action: string | string[];
  Resource: string;
}

// The devstore has no policies. Ceph has policies and a second user.
forEachStore(
  'least privilege',
  (store) => {
    it('C9 the documented policy allows every step of an upload and nothing else', async () => {
      const limited = inject('ceph')?.limited;
      if (!limited) throw new Error('Ceph has no second user.');
      const statements = (await documentedPolicy()).map((statement) => ({
        ...statement,
        Principal: { AWS: [limited.arn] },
        // The page says to restrict the policy to the prefixes of the routes.
        Resource: statement.Resource.replace('BUCKET/*', 'BUCKET/files/*').replace('BUCKET', store.bucket),
      }));
      const Policy = JSON.stringify({ Version: '2012-10-17', Statement: statements });
      await (await store.sdk()).send(new PutBucketPolicyCommand({ Bucket: store.bucket, Policy }));

      const storage = store.storage({ credentials: limited.credentials });
      const app = await startApp(store, { storage });
      const { upload, completed } = await app.store(png);
      const view = await app.call('GET', completed.file.url);
      const shown = await (await fetch(String(view.headers.location))).arrayBuffer();
      expect(Buffer.from(shown).equals(png)).toBe(true);
      expect(errorOf(await app.abort(upload.grant))).toBe('upload_conflict');
      expect(errorOf(await app.complete((await app.grant(png)).grant))).toBe('object_not_ready');
      const aborted = await app.grant(png);
      await send(aborted.request, png);
      expect((await app.abort(aborted.grant)).status).toBe(200);
      await app.uploads.deleteFile(completed.file.key);
      await app.stop();

      // An upload in parts with a copy in parts, an abort, and a completion by the sidecar need no further permissions.
      const large = await startApp(store, {
        storage,
        copyMaxBytes: partSize,
        routes: { files: route({ limits: { maxBytes: 4 * partSize }, authorize: () => ({ ownerId: 'alice' }) }) },
      });
      const parts = partsOf(large);
      const bytes = pngOf(partSize + 10);
      const [first, second, third] = [await parts.begin(bytes), await parts.begin(bytes), await parts.begin(bytes)];
      for (const { grant } of [first, second, third]) await parts.send(grant, bytes);
      expect((await parts.list(first.grant)).json.parts).toHaveLength(2);
      expect((await parts.complete(first.grant)).status).toBe(200);
      expect(await large.uploads.completeObject(`incoming/${second.uploadId}`)).toMatchObject({ file: {} });
      expect((await large.abort(third.grant)).status).toBe(200);
      expect((await parts.list(third.grant)).json.error?.code).toBe('upload_conflict');
      await large.stop();

      const other = await store.createBucket();
      const refusals = [
        () => storage.put({ key: 'elsewhere/x', body: 'x' }),
        () => storage.get('elsewhere/x').then((found) => found?.body.cancel()),
        () => store.storage({ credentials: limited.credentials, bucket: other }).list({ prefix: '' }),
      ];
      await store.storage().put({ key: 'elsewhere/x', body: 'secret' });
      for (const refused of refusals) {
        const error = await refused().catch((thrown: unknown) => thrown);
        expect(isS3Error(error) && error.status).toBe(403);
      }
      const owner = await store.sdk();
      await owner.send(new DeleteObjectCommand({ Bucket: store.bucket, Key: 'elsewhere/x' }));
    });

    it('C9 a user without the policy stores nothing', async () => {
      const limited = inject('ceph')?.limited;
      const bucket = await store.createBucket();
      const app = await startApp(store, {
        storage: store.storage({ bucket, credentials: limited?.credentials ?? store.credentials }),
      });
      const upload = await app.grant(png);
      expect((await send(upload.request, png)).status).toBe(403);
      await app.stop();
    });
  },
  { only: ['ceph'] },
);

async function documentedPolicy(): Promise<Statement[]> {
  const json = await storageDocument('server-policy.json', 'BUCKET');
  const { Statement: statements } = JSON.parse(json) as { Statement: Statement[] };
  expect(statements.map(({ Sid }) => Sid)).toEqual(['Staging', 'Files', 'Bucket']);
  return statements;
}
