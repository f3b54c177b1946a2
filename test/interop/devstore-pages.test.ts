/**
 * Requests of browsers (preflights, cross-origin requests, forms), and the older signature of boto3 and the AWS CLI.
 */
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { credentials, signingKey, startStore, type TestStore } from './devstore-signer.ts';

let store: TestStore;
beforeAll(async () => {
  store = await startStore({
    cors: [
      {
        allowedOrigins: ['https://*.example'],
        allowedMethods: ['PUT', 'POST'],
        allowedHeaders: ['content-type', 'x-amz-*'],
        exposeHeaders: ['ETag'],
        maxAgeSeconds: 60,
      },
    ],
  });
});
afterAll(() => store.end());

describe('CORS', () => {
  const origin = 'https://app.example';
  const preflight = (headers: Record<string, string>) =>
    store.send('OPTIONS', '/photos/a', { unsigned: true, headers: { origin, ...headers } });

  it('allows what a rule allows, for the time in the rule', async () => {
    const answer = await preflight({
      'access-control-request-method': 'PUT',
      'access-control-request-headers': 'Content-Type, X-Amz-Checksum-Sha256',
    });
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'PUT, POST',
      'access-control-allow-headers': 'content-type, x-amz-checksum-sha256',
      'access-control-expose-headers': 'ETag',
      'access-control-max-age': '60',
      vary: 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method',
    });
  });

  it.each([
    ['another method', { 'access-control-request-method': 'DELETE' }],
    ['another origin', { origin: 'https://app.example.evil', 'access-control-request-method': 'PUT' }],
    ['another header', { 'access-control-request-method': 'PUT', 'access-control-request-headers': 'authorization' }],
  ])('refuses %s', async (_, headers) => {
    const answer = await preflight(headers);
    expect(answer).toMatchObject({ status: 403, code: 'AccessForbidden' });
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
  });

  it('allows a page to read the error of a refused request', async () => {
    const answer = await store.send('PUT', '/photos/a', { unsigned: true, headers: { origin } });
    expect(answer.status).toBe(403);
    expect(answer.headers['access-control-allow-origin']).toBe(origin);
  });

  it('follows rules that change while the store runs', async () => {
    await store.store.setCors('photos', []);
    expect((await preflight({ 'access-control-request-method': 'PUT' })).status).toBe(403);
  });
});

type Pair = [name: string, value: string];

function post(pairs: readonly Pair[], file: string | Buffer = 'hello', fileName = 'note.txt') {
  const pieces = pairs.map(
    ([name, value]) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const head = `--b\r\nContent-Disposition: form-data; name="file"; filename="${fileName}"\r\nContent-Type: text/plain\r\n\r\n`;
  const body = Buffer.concat([Buffer.from(pieces.join('') + head), Buffer.from(file), Buffer.from('\r\n--b--\r\n')]);
  return store.send('POST', '/photos', {
    unsigned: true,
    body,
    headers: { 'content-type': 'multipart/form-data; boundary=b' },
  });
}

function encodePolicy(conditions: readonly unknown[], expiresInSeconds = 60): string {
  const expiration = new Date(Date.now() + expiresInSeconds * 1000).toISOString();
  return Buffer.from(JSON.stringify({ expiration, conditions })).toString('base64');
}

/** Signed fields with a policy that allows exactly them. `conditions` replace those of the fields. */
function signedForm(
  pairs: readonly Pair[],
  options: { conditions?: unknown[]; expiresInSeconds?: number } = {},
): Pair[] {
  const date = `${new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
  const day = date.slice(0, 8);
  const auth: Pair[] = [
    ['x-amz-algorithm', 'AWS4-HMAC-SHA256'],
    ['x-amz-credential', `${credentials.accessKeyId}/${day}/us-east-1/s3/aws4_request`],
    ['x-amz-date', date],
  ];
  const named = options.conditions ?? pairs.map(([name, value]) => ({ [name]: value }));
  const all = [{ bucket: 'photos' }, ...named, ...auth.map(([name, value]) => ({ [name]: value }))];
  const policy = encodePolicy(all, options.expiresInSeconds);
  const key = signingKey(credentials.secretAccessKey, day, 'us-east-1');
  const signature = createHmac('sha256', key).update(policy).digest('hex');
  return [...pairs, ...auth, ['policy', policy], ['x-amz-signature', signature]];
}

describe('forms', () => {
  it('store the file with the key, type and metadata of their fields', async () => {
    const answer = await post(
      signedForm([
        ['key', 'form/a'],
        ['Content-Type', 'image/png'],
        ['x-amz-meta-by', 'form'],
        ['success_action_status', '201'],
      ]),
    );
    expect(answer.status).toBe(201);
    expect(answer.body.toString()).toContain('<Key>form/a</Key>');
    const stored = await store.send('GET', '/photos/form/a');
    expect(stored.headers).toMatchObject({
      'content-type': 'image/png',
      'x-amz-meta-by': 'form',
      'content-length': '5',
    });
    expect(stored.body.toString()).toBe('hello');
  });

  it('redirect with bucket, key and ETag', async () => {
    const answer = await post(
      signedForm([
        ['key', 'form/r'],
        ['success_action_redirect', 'https://app.example/done?x=1'],
      ]),
    );
    expect(answer.status).toBe(303);
    const to = new URL(answer.headers.location ?? '');
    expect(Object.fromEntries(to.searchParams)).toMatchObject({ x: '1', bucket: 'photos', key: 'form/r' });
  });

  it.each<[string, Pair[], Parameters<typeof signedForm>[1], string | Buffer, number, string | undefined]>([
    [
      'exactly five bytes',
      [['key', 'f']],
      { conditions: [{ key: 'f' }, ['content-length-range', 5, 5]] },
      'hello',
      204,
      undefined,
    ],
    [
      'a byte too many',
      [['key', 'f']],
      { conditions: [{ key: 'f' }, ['content-length-range', 5, 5]] },
      'hello!',
      400,
      'EntityTooLarge',
    ],
    [
      'a byte too few',
      [['key', 'f']],
      { conditions: [{ key: 'f' }, ['content-length-range', 5, 5]] },
      'hell',
      400,
      'EntityTooSmall',
    ],
    ['another key', [['key', 'g']], { conditions: [{ key: 'f' }] }, 'x', 403, 'AccessDenied'],
    [
      'a field without a condition',
      [
        ['key', 'f'],
        ['x-amz-meta-a', 'b'],
      ],
      { conditions: [{ key: 'f' }] },
      'x',
      403,
      'AccessDenied',
    ],
    ['too late', [['key', 'f']], { expiresInSeconds: -5 }, 'x', 403, 'AccessDenied'],
    [
      'another checksum',
      [
        ['key', 'f'],
        ['x-amz-checksum-sha256', 'LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ='],
      ],
      {},
      'hellx',
      400,
      'BadDigest',
    ],
    [
      'the right checksum',
      [
        ['key', 'f'],
        ['x-amz-checksum-sha256', 'LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ='],
      ],
      {},
      'hello',
      204,
      undefined,
    ],
    [
      'another Content-MD5',
      [
        ['key', 'f'],
        ['Content-MD5', 'XUFAKrxLKna5cZ2REBfFkg=='],
      ],
      {},
      'hellx',
      400,
      'BadDigest',
    ],
    [
      'a public ACL',
      [
        ['key', 'f'],
        ['acl', 'public-read'],
      ],
      {},
      'x',
      400,
      'AccessControlListNotSupported',
    ],
    [
      '20 KB before the file',
      [
        ['key', 'f'],
        ['x-ignore-a', 'x'.repeat(21_000)],
      ],
      {},
      'x',
      400,
      'MaxPostPreDataLengthExceeded',
    ],
  ])('%s', async (_, pairs, options, file, status, code) => {
    const answer = await post(signedForm(pairs, options), file);
    expect({ status: answer.status, code: answer.code }).toEqual({ status, code });
  });

  it('store nothing of a refused file', async () => {
    await post(
      signedForm([['key', 'form/no']], { conditions: [{ key: 'form/no' }, ['content-length-range', 0, 10]] }),
      Buffer.alloc(3_000_000),
    );
    expect((await store.send('GET', '/photos/form/no')).status).toBe(404);
  });

  it('expand the file name without its folders', async () => {
    // A placeholder of S3
    const pairs: Pair[] = [['key', 'in/${filename}']];
    await post(signedForm(pairs, { conditions: [['starts-with', '$key', 'in/']] }), 'x', 'C:\\\\photos\\\\me.png');
    expect((await store.send('GET', '/photos/in/me.png')).status).toBe(200);
  });
});

describe('the older signature', () => {
  const hmac = (text: string) => createHmac('sha1', credentials.secretAccessKey).update(text).digest('base64');
  const presigned = (method: string, path: string, expires: number, signed = path) =>
    `AWSAccessKeyId=${credentials.accessKeyId}&Expires=${expires}&Signature=${encodeURIComponent(hmac(`${method}\n\n\n${expires}\n${signed}`))}`;
  const soon = () => Math.floor(Date.now() / 1000) + 60;
  const get = (query: string, path = '/photos/old') => store.send('GET', path, { unsigned: true, query });

  it('still opens presigned URLs, for their path and time only', async () => {
    await store.send('PUT', '/photos/old', { body: 'old' });
    expect((await get(presigned('GET', '/photos/old', soon()))).body.toString()).toBe('old');
    expect(await get(presigned('GET', '/photos/new', soon()))).toMatchObject({ code: 'SignatureDoesNotMatch' });
    expect(await get(presigned('PUT', '/photos/old', soon()))).toMatchObject({ code: 'SignatureDoesNotMatch' });
    expect(await get(presigned('GET', '/photos/old', soon() - 120))).toMatchObject({
      status: 403,
      code: 'AccessDenied',
    });
    expect(await get(`${presigned('GET', '/photos/old', soon())}&acl=`)).toMatchObject({
      code: 'SignatureDoesNotMatch',
    });
    const meta = { headers: { 'x-amz-meta-a': 'b' }, unsigned: true, query: presigned('GET', '/photos/old', soon()) };
    expect(await store.send('GET', '/photos/old', meta)).toMatchObject({ code: 'SignatureDoesNotMatch' });
  });

  it('still opens forms, with their policy', async () => {
    const policy = encodePolicy([{ bucket: 'photos' }, ['starts-with', '$key', 'v2/'], ['content-length-range', 0, 5]]);
    const form = (key: string): Pair[] => [
      ['key', key],
      ['AWSAccessKeyId', credentials.accessKeyId],
      ['policy', policy],
      ['signature', hmac(policy)],
    ];
    expect((await post(form('v2/a'))).status).toBe(204);
    expect(await post(form('elsewhere'))).toMatchObject({ status: 403, code: 'AccessDenied' });
    expect(await post(form('v2/b'), 'too long')).toMatchObject({ status: 400, code: 'EntityTooLarge' });
    const forged = form('v2/c').map(([name, value]): Pair => [name, name === 'signature' ? hmac('x') : value]);
    expect(await post(forged)).toMatchObject({ status: 403, code: 'SignatureDoesNotMatch' });
  });

  it('is refused as a header, and everywhere in newer regions', async () => {
    const header = { unsigned: true, headers: { authorization: `AWS ${credentials.accessKeyId}:x` } };
    expect(await store.send('GET', '/photos/old', header)).toMatchObject({ status: 400, code: 'InvalidRequest' });
    const newer = await startStore({ region: 'eu-central-1' });
    try {
      const query = presigned('GET', '/photos/old', soon());
      expect(await newer.send('GET', '/photos/old', { unsigned: true, query })).toMatchObject({
        code: 'InvalidRequest',
      });
    } finally {
      await newer.end();
    }
  });
});
