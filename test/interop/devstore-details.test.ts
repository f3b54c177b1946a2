/** Small differences from AWS that public test suites found: listings, forms, CORS rules, completions, locations. */
import { createHmac } from 'node:crypto';
import { AbortMultipartUploadCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, credentials, signingKey, startStore, type TestStore } from './devstore-signer.ts';

let store: TestStore;
beforeAll(async () => {
  store = await startStore();
});
afterAll(() => store.end());

const status = ({ status, code }: Answer) => (code === undefined ? String(status) : `${status} ${code}`);
const one = ({ body }: Answer, name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(body.toString())?.[1];
const begin = async (path: string) => one(await store.send('POST', path, { query: 'uploads=' }), 'UploadId') ?? '';

describe('a listing', () => {
  it('does not repeat StartAfter when it answers a continuation token', async () => {
    for (const key of ['a', 'b', 'c']) await store.send('PUT', `/photos/list-${key}`, { body: key });
    const list = (query: string) => store.send('GET', '/photos', { query });
    const first = await list('list-type=2&max-keys=1&start-after=list-a');
    expect(one(first, 'StartAfter')).toBe('list-a');
    const token = encodeURIComponent(one(first, 'NextContinuationToken') ?? '');
    const second = await list(`continuation-token=${token}&list-type=2&max-keys=1&start-after=list-z`);
    expect([one(second, 'Key'), one(second, 'StartAfter')]).toEqual(['list-c', undefined]);
  });

  it('of uploads names no next key when its last page ends with a prefix', async () => {
    await store.send('PUT', '/pending');
    const ids = [await begin('/pending/a'), await begin('/pending/b/1'), await begin('/pending/c')];
    const list = (query: string) => store.send('GET', '/pending', { query });
    const onlyPrefixes = await list('delimiter=%2F&prefix=b&uploads=');
    expect(onlyPrefixes.body.toString()).toContain('<CommonPrefixes><Prefix>b/</Prefix></CommonPrefixes>');
    expect(onlyPrefixes.body.toString()).toContain('<NextKeyMarker/><NextUploadIdMarker/>');
    const all = await list('uploads=');
    expect([one(all, 'IsTruncated'), one(all, 'NextKeyMarker')]).toEqual(['false', 'c']);

    const foreign = await list(`key-marker=a&upload-id-marker=${ids[1]}&uploads=`);
    expect([status(foreign), one(foreign, 'Message')]).toEqual(['400 InvalidArgument', 'Invalid uploadId marker']);
    const own = await list(`key-marker=a&upload-id-marker=${ids[0]}&uploads=`);
    expect(one(own, 'Key')).toBe('b/1');
  });
});

describe('a multipart upload', () => {
  it('is NoSuchUpload when it is unknown, also for an empty completion', async () => {
    for (const body of ['', '<CompleteMultipartUpload></CompleteMultipartUpload>', 'not XML'])
      expect(status(await store.send('POST', '/photos/x', { query: 'uploadId=fakeid', body }))).toBe(
        '404 NoSuchUpload',
      );
    const id = await begin('/photos/x');
    expect(status(await store.send('POST', '/photos/x', { query: `uploadId=${id}`, body: '' }))).toBe(
      '400 InvalidRequest',
    );
  });

  it('is aborted only when x-amz-if-match-initiated-time is its time of initiation', async () => {
    const client = new S3Client({ endpoint: store.url, region: 'us-east-1', forcePathStyle: true, credentials });
    const UploadId = await begin('/photos/timed');
    const listed = await store.send('GET', '/photos', { query: 'prefix=timed&uploads=' });
    const initiated = new Date(one(listed, 'Initiated') ?? '');
    const abort = (IfMatchInitiatedTime: Date) =>
      client
        .send(new AbortMultipartUploadCommand({ Bucket: 'photos', Key: 'timed', UploadId, IfMatchInitiatedTime }))
        .then(
          () => 'aborted',
          (error: Error) => error.name,
        );
    expect(await abort(new Date(initiated.getTime() - 1000))).toBe('PreconditionFailed');
    expect(await abort(initiated)).toBe('aborted');
    client.destroy();
  });
});

describe('CORS rules', () => {
  const put = (rule: string) =>
    store.send('PUT', '/photos', {
      query: 'cors=',
      body: `<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>${rule}</CORSRule></CORSConfiguration>`,
    });

  it('may have a negative MaxAgeSeconds', async () => {
    expect(status(await put('<MaxAgeSeconds>-100</MaxAgeSeconds>'))).toBe('200');
    const read = await store.send('GET', '/photos', { query: 'cors=' });
    expect(one(read, 'MaxAgeSeconds')).toBe('-100');
    expect(status(await put('<MaxAgeSeconds>soon</MaxAgeSeconds>'))).toBe('400 MalformedXML');
  });

  it.each(['invalid header', 'X-Custom:Header', 'X(Custom)', 'Bad/Header', 'X[Key]', 'Bad=Name', 'X&quot;Q&quot;'])(
    'refuse the header name %s',
    async (name) => {
      for (const element of ['AllowedHeader', 'ExposeHeader']) {
        const refused = await put(`<${element}>${name}</${element}>`);
        expect([status(refused), one(refused, 'Message')]).toEqual([
          '400 InvalidRequest',
          `AllowedHeader "${name}" contains invalid character.`.replaceAll('"', '&quot;'),
        ]);
      }
    },
  );

  it('take header names with one wildcard', async () => {
    expect(status(await put('<AllowedHeader>x-amz-*</AllowedHeader><ExposeHeader>ETag</ExposeHeader>'))).toBe('200');
  });
});

it('a website redirect to an invalid location is InvalidRedirectLocation', async () => {
  const put = (location: string) =>
    store.send('PUT', '/photos/r', { body: 'x', headers: { 'x-amz-website-redirect-location': location } });
  expect(status(await put('elsewhere'))).toBe('400 InvalidRedirectLocation');
  expect(status(await put('/elsewhere'))).toBe('200');
});

describe('the location constraint of a new bucket', () => {
  const create = (target: TestStore, region: string, constraint: string) =>
    target.send('PUT', '/located', {
      region,
      body: `<CreateBucketConfiguration><LocationConstraint>${constraint}</LocationConstraint></CreateBucketConfiguration>`,
    });

  it.each([
    ['eu-west-1', '400 IllegalLocationConstraintException'],
    ['EU', '400 IllegalLocationConstraintException'],
    ['us-east-1', '400 InvalidLocationConstraint'],
    ['moon', '400 InvalidLocationConstraint'],
  ])('%s in us-east-1: %s', async (constraint, expected) => {
    expect(status(await create(store, 'us-east-1', constraint))).toBe(expected);
  });

  it('must be the region of the store in other regions', async () => {
    const other = await startStore({ region: 'eu-west-1' });
    expect(status(await create(other, 'eu-west-1', 'moon'))).toBe('400 IllegalLocationConstraintException');
    expect(status(await create(other, 'eu-west-1', 'eu-west-1'))).toBe('200');
    await other.end();
  });
});

describe('a form', () => {
  type Pair = [name: string, value: string];

  /** `fileHead` is the Content-Disposition of the file. */
  function post(pairs: readonly Pair[], fileHead = 'form-data; name="file"; filename="note.txt"') {
    const fields = pairs.map(
      ([name, value]) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
    );
    const body = `${fields.join('')}--b\r\nContent-Disposition: ${fileHead}\r\n\r\nhello\r\n--b--\r\n`;
    const headers = { 'content-type': 'multipart/form-data; boundary=b' };
    return store.send('POST', '/photos', { unsigned: true, body, headers });
  }

  /** Adds a condition for every field, and the conditions of `more`. */
  function signed(pairs: readonly Pair[], more: readonly unknown[] = []): Pair[] {
    const date = `${new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
    const all: Pair[] = [
      ...pairs,
      ['x-amz-algorithm', 'AWS4-HMAC-SHA256'],
      ['x-amz-credential', `${credentials.accessKeyId}/${date.slice(0, 8)}/us-east-1/s3/aws4_request`],
      ['x-amz-date', date],
    ];
    const conditions = [{ bucket: 'photos' }, ...all.map(([name]) => ['starts-with', `$${name}`, '']), ...more];
    const expiration = new Date(Date.now() + 60_000).toISOString();
    const policy = Buffer.from(JSON.stringify({ expiration, conditions })).toString('base64');
    const key = signingKey(credentials.secretAccessKey, date.slice(0, 8), 'us-east-1');
    return [...all, ['policy', policy], ['x-amz-signature', createHmac('sha256', key).update(policy).digest('hex')]];
  }

  it.each<[string, unknown[], string]>([
    ['without the $ of its field', ['eq', 'x-amz-meta-a', 'b'], '["eq", "x-amz-meta-a", "b"]'],
    [
      'with a range that is no number',
      ['content-length-range', 'test', '10'],
      '["content-length-range", "test", "10"]',
    ],
  ])('is AccessDenied by a condition %s', async (_, condition, text) => {
    const refused = await post(
      signed(
        [
          ['key', 'f'],
          ['x-amz-meta-a', 'b'],
        ],
        [condition],
      ),
    );
    expect(status(refused)).toBe('403 AccessDenied');
    expect(one(refused, 'Message')?.replaceAll('&quot;', '"')).toBe(
      `Invalid according to Policy: Policy Condition failed: ${text}`,
    );
  });

  it('is anonymous without signature fields, regardless of its policy', async () => {
    const policy = signed([['key', 'f']]).find(([name]) => name === 'policy') ?? ['policy', ''];
    expect(status(await post([['key', 'f'], policy]))).toBe('403 AccessDenied');
    expect(status(await post([['key', 'f']]))).toBe('403 AccessDenied');
    const incomplete = signed([['key', 'f']]).filter(([name]) => name !== 'x-amz-algorithm');
    expect(status(await post(incomplete))).toBe('400 InvalidArgument');
  });

  it('keeps ${filename} in the key when the file is a plain field', async () => {
    const fields = signed([['key', 'plain-${filename}']]);
    expect(status(await post(fields, 'form-data; name="file"'))).toBe('204');
    expect(status(await store.send('GET', '/photos/plain-%24%7Bfilename%7D'))).toBe('200');
    await post(signed([['key', 'named-${filename}']]));
    expect(status(await store.send('GET', '/photos/named-note.txt'))).toBe('200');
  });

  // Recorded from AWS: test_post_object_with_unicode_metadata in localstack's snapshots.
  it('answers header fields in ISO-8859-1, and metadata as encoded words that it never decodes', async () => {
    await post(
      signed([
        ['key', 'words'],
        ['Cache-Control', 'non-ascii-—_é_'],
        ['Content-Disposition', 'filename="test_—_é.pdf"'],
        ['x-amz-meta-text', 'ÄMÄZÕÑ S3'],
        ['x-amz-meta-word', '=?UTF-8?Q?actually-ascii?='],
      ]),
    );
    const { headers } = await store.send('HEAD', '/photos/words');
    expect(headers).toMatchObject({
      'cache-control': 'non-ascii- _é_',
      'content-disposition': 'filename="test_ _é.pdf"',
      'x-amz-meta-text': '=?UTF-8?Q?=C3=84M=C3=84Z=C3=95=C3=91_S3?=',
      'x-amz-meta-word': '=?UTF-8?Q?actually-ascii?=',
    });
  });

  it('answers with the encryption header', async () => {
    const stored = await post(signed([['key', 'encrypted']]));
    expect(stored.headers['x-amz-server-side-encryption']).toBe('AES256');
  });
});
