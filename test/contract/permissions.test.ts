/**
 * The policy of docs/storage.md, by operation: it allows uploads in parts and copies of large files and nothing else,
 * and every action in it is needed. The attack tests for C9 run whole uploads with it.
 */
import { PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import { expect, inject, it } from 'vitest';
import { isS3Error } from '../../src/s3/index.ts';
import { sendPresigned } from '../support/send.ts';
import { storageDocument } from '../support/storage-page.ts';
import { forEachStore, type TestStore } from '../support/stores.ts';

interface Statement {
  Sid: string;
  Effect: string;
  Action: string[];
  Resource: string;
}

async function documentedPolicy(): Promise<Statement[]> {
  const json = await storageDocument('server-policy.json', 'BUCKET');
  return (JSON.parse(json) as { Statement: Statement[] }).Statement;
}

function limitedUser() {
  const limited = inject('ceph')?.limited;
  if (!limited) throw new Error('Ceph has no second user.');
  return limited;
}

/**
 * Sets the documented policy, without the action `omitted`, on a new bucket. Returns the storages of the owner and the
 * limited user.
 */
async function withPolicy(store: TestStore, omitted?: { action: string; sid: string }) {
  const { arn, credentials } = limitedUser();
  const bucket = await store.createBucket();
  const Statement = (await documentedPolicy()).map(({ Resource, Action, ...statement }) => ({
    ...statement,
    Principal: { AWS: [arn] },
    Action: Action.filter((action) => omitted?.sid !== statement.Sid || omitted.action !== action),
    Resource: Resource.replace('BUCKET/*', 'BUCKET/files/*').replace('BUCKET', bucket),
  }));
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
  await (await store.sdk()).send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
  return { owner: store.storage({ bucket }), limited: store.storage({ bucket, credentials }) };
}

const facts = { contentType: 'text/plain' };
const bytes = 'twelve bytes';

async function refusedStatus(work: Promise<unknown>): Promise<number | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (isS3Error(error)) return error.status;
    throw error;
  }
}

type Storage = ReturnType<TestStore['storage']>;

async function begin(storage: Storage, key: string) {
  const { multipartId } = await storage.createMultipart({ key, ...facts });
  const part = { key, multipartId, partNumber: 1, size: bytes.length, expiresInSeconds: 60 };
  expect((await sendPresigned(storage.presignPart(part), bytes)).status).toBe(200);
  return { key, multipartId };
}

/** The server's operations for uploads in parts and copies of large files. */
const steps: Record<string, (storage: Storage) => Promise<unknown>> = {
  async 'an upload in parts'(storage) {
    const upload = await begin(storage, 'incoming/a');
    const parts = (await storage.listParts(upload.key, upload.multipartId)) ?? [];
    await storage.completeMultipart({ ...upload, parts, size: bytes.length });
    expect((await storage.head(upload.key))?.size).toBe(bytes.length);
  },
  async 'an abort'(storage) {
    const upload = await begin(storage, 'incoming/b');
    await storage.abortMultipart(upload.key, upload.multipartId);
  },
  async 'a copy in parts'(storage) {
    await storage.put({ key: 'incoming/c', body: bytes });
    const { multipartId } = await storage.createMultipart({ key: 'files/c', ...facts });
    const to = { to: 'files/c', multipartId, partNumber: 1 };
    const part = await storage.copyPart({ from: 'incoming/c', ...to, range: [0, bytes.length - 1] });
    await storage.completeMultipart({ key: 'files/c', multipartId, parts: [part], size: bytes.length });
    await storage.delete('incoming/c');
  },
  async 'cleaning up an unfinished copy'(storage) {
    const { multipartId } = await storage.createMultipart({ key: 'files/d', ...facts });
    const { uploads } = await storage.listMultiparts({ prefix: 'files/d' });
    expect(uploads.map((upload) => upload.multipartId)).toEqual([multipartId]);
    for (const upload of uploads) await storage.abortMultipart(upload.key, upload.multipartId);
  },
};

// The devstore has no policies. Ceph has policies and a second user.
forEachStore(
  'documented permissions',
  (store) => {
    it.each(Object.entries(steps))('the documented permissions allow %s', async (_, step) => {
      const { limited } = await withPolicy(store);
      await step(limited);
    });

    it('the documented permissions allow nothing with other prefixes', async () => {
      const { owner, limited } = await withPolicy(store);
      const foreign = await begin(owner, 'elsewhere/a');
      const { key, multipartId } = foreign;
      await owner.put({ key: 'elsewhere/secret', body: bytes });
      const own = await begin(limited, 'incoming/own');
      const range = [0, bytes.length - 1] as const;
      const parts = (await owner.listParts(key, multipartId)) ?? [];
      const copy = { from: 'elsewhere/secret', to: own.key, multipartId: own.multipartId, partNumber: 2 };
      const attempts = {
        create: () => limited.createMultipart({ key: 'elsewhere/b', ...facts }),
        list: () => limited.listParts(key, multipartId),
        complete: () => limited.completeMultipart({ ...foreign, parts, size: bytes.length }),
        abort: () => limited.abortMultipart(key, multipartId),
        copy: () => limited.copyPart({ ...copy, range }),
      };
      for (const [name, attempt] of Object.entries(attempts)) expect(await refusedStatus(attempt()), name).toBe(403);
      const part = { key, multipartId, partNumber: 2, size: bytes.length, expiresInSeconds: 60 };
      expect((await sendPresigned(limited.presignPart(part), bytes)).status).toBe(403);
      expect((await owner.listParts(key, multipartId))?.length).toBe(1);
    });

    // Reading and listing are left out: the ACLs of Ceph allow both for objects that the user stored itself.
    it.each([
      ['AbortMultipartUpload', 'Staging', 'an abort'],
      ['AbortMultipartUpload', 'Files', 'cleaning up an unfinished copy'],
      ['ListBucketMultipartUploads', 'Bucket', 'cleaning up an unfinished copy'],
      ['PutObject', 'Files', 'a copy in parts'],
      ['DeleteObject', 'Staging', 'a copy in parts'],
    ] as const)('without %s on %s the storage refuses %s', async (action, sid, step) => {
      const { limited } = await withPolicy(store, { action: `s3:${action}`, sid });
      expect(await refusedStatus((steps[step] as (storage: Storage) => Promise<unknown>)(limited))).toBe(403);
    });
  },
  { only: ['ceph'] },
);
