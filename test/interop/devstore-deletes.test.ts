/** Conditional deletes, as AWS documents and answers them. The AWS SDK sends the requests. */
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { credentials, startStore, type TestStore } from './devstore-signer.ts';

const Bucket = 'photos';
let store: TestStore;
let client: S3Client;
beforeAll(async () => {
  store = await startStore();
  client = new S3Client({ endpoint: store.url, region: 'us-east-1', forcePathStyle: true, credentials });
});
afterAll(async () => {
  client.destroy();
  await store.end();
});

async function put(Key: string): Promise<string> {
  const { ETag } = await client.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
  return ETag ?? '';
}

const exists = (Key: string) =>
  client.send(new HeadObjectCommand({ Bucket, Key })).then(
    () => true,
    () => false,
  );

async function outcome(work: Promise<{ $metadata: { httpStatusCode?: number | undefined } }>): Promise<string> {
  try {
    return String((await work).$metadata.httpStatusCode);
  } catch (error) {
    const { name, $metadata } = error as { name: string; $metadata?: { httpStatusCode?: number } };
    return `${$metadata?.httpStatusCode} ${name}`;
  }
}

const remove = (Key: string, IfMatch?: string) =>
  outcome(client.send(new DeleteObjectCommand({ Bucket, Key, IfMatch })));

describe('DeleteObject with If-Match', () => {
  it('answers 412 for another ETag, and keeps the object', async () => {
    await put('kept');
    expect(await remove('kept', '"0123456789abcdef0123456789abcdef"')).toBe('412 PreconditionFailed');
    expect(await exists('kept')).toBe(true);
  });

  it('deletes the object that has this ETag, with or without quotes, and any object for *', async () => {
    for (const spell of [(etag: string) => etag, (etag: string) => etag.replaceAll('"', ''), () => '*']) {
      expect(await remove('matched', spell(await put('matched')))).toBe('204');
      expect(await exists('matched')).toBe(false);
    }
  });

  it('answers 404 where there is no object, while an unconditional delete succeeds', async () => {
    expect(await remove('absent', '"0123456789abcdef0123456789abcdef"')).toBe('404 NoSuchKey');
    expect(await remove('absent', '*')).toBe('404 NoSuchKey');
    expect(await remove('absent')).toBe('204');
  });

  it('lets one of eight conditional deletes of the same object succeed', async () => {
    const etag = await put('once');
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => remove('once', etag)));
    expect(outcomes.sort()).toEqual(['204', ...Array.from({ length: 7 }, () => '404 NoSuchKey')]);
  });

  it('is refused together with a version, and the other conditions of directory buckets are refused', async () => {
    const etag = await put('kept');
    for (const more of [
      { VersionId: 'null', IfMatch: etag },
      { IfMatchSize: 4 },
      { IfMatchLastModifiedTime: new Date() },
    ])
      expect(await outcome(client.send(new DeleteObjectCommand({ Bucket, Key: 'kept', ...more })))).toBe(
        '501 NotImplemented',
      );
    expect(await exists('kept')).toBe(true);
  });
});

describe('DeleteObjects with ETags', () => {
  it('deletes the matching objects and reports an error for each other key', async () => {
    const etag = await put('matched');
    await put('other');
    const { Deleted, Errors } = await client.send(
      new DeleteObjectsCommand({
        Bucket,
        Delete: {
          Objects: [
            { Key: 'matched', ETag: etag },
            { Key: 'other', ETag: etag },
            { Key: 'absent', ETag: etag },
            { Key: 'absent too' },
          ],
        },
      }),
    );
    expect(Deleted?.map(({ Key }) => Key)).toEqual(['matched', 'absent too']);
    expect(Errors?.map(({ Key, Code }) => `${Key}: ${Code}`)).toEqual([
      'other: PreconditionFailed',
      'absent: NoSuchKey',
    ]);
  });
});
