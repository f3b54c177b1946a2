/** Weather: what the storage may answer, and when it does not. The transport is the only thing that is not real. */
import { describe, expect, it } from 'vitest';
import { s3Storage } from './storage.ts';
import type { Credentials, S3StorageOptions } from './types.ts';

const credentials: Credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' };

type Answer = Response | Error | 'silence';

/** Hands out the answers one by one and remembers what was asked. */
function setUp(answers: (Answer | ((init: RequestInit) => Answer))[], options: Partial<S3StorageOptions> = {}) {
  const sent: { url: string; method: string; headers: Record<string, string>; body: string }[] = [];
  const fetch = (url: string, init: RequestInit): Promise<Response> => {
    sent.push({
      url,
      method: String(init.method),
      headers: init.headers as Record<string, string>,
      body: String(init.body ?? ''),
    });
    const next = answers.shift() ?? new Error('no answer left');
    const answer = typeof next === 'function' ? next(init) : next;
    if (answer instanceof Error) return Promise.reject(answer);
    if (answer !== 'silence') return Promise.resolve(answer);
    return new Promise((_, reject) => {
      init.signal?.addEventListener('abort', () => reject(init.signal?.reason));
    });
  };
  const storage = s3Storage({
    capabilities: 'aws',
    bucket: 'user-content',
    endpoint: 'http://store.test:9000',
    credentials,
    random: () => 0,
    fetch: fetch as typeof globalThis.fetch,
    ...options,
  });
  return { storage, sent };
}

const error = (status: number, code: string, headers: Record<string, string> = {}) =>
  new Response(
    `<?xml version="1.0"?>\n<Error><Code>${code}</Code><Message>Why?a=b</Message><RequestId>R1</RequestId></Error>`,
    {
      status,
      headers,
    },
  );
const stored = () => new Response(null, { headers: { etag: '"e"' } });
const copied = () => new Response('   <?xml version="1.0"?><CopyObjectResult><ETag>"e"</ETag></CopyObjectResult>');
const refused = () => Object.assign(new TypeError('fetch failed'), { cause: new Error('connect ECONNREFUSED') });

const put = { key: 'a', body: 'abc' };

describe('tries again', () => {
  it.each<[string, () => Answer]>([
    ['500', () => error(500, 'InternalError')],
    ['503', () => error(503, 'SlowDown')],
    ['a gateway that does not speak XML', () => new Response('<html>Bad gateway</html>', { status: 502 })],
    ['429', () => error(429, 'TooManyRequests')],
    ['409 ConditionalRequestConflict', () => error(409, 'ConditionalRequestConflict')],
    ['400 RequestTimeout', () => error(400, 'RequestTimeout')],
    ['no connection', refused],
    ['an error inside a success', () => error(200, 'InternalError')],
  ])('after %s', async (_what, answer) => {
    const { storage, sent } = setUp([answer, answer, answer, stored]);
    expect(await storage.put(put)).toEqual({ etag: '"e"' });
    expect(sent).toHaveLength(4);
  });

  it('but not for ever', async () => {
    const { storage, sent } = setUp(
      Array.from({ length: 9 }, () => () => error(503, 'SlowDown')),
      { retries: 2 },
    );
    await expect(storage.put(put)).rejects.toMatchObject({
      name: 'S3Error',
      code: 'SlowDown',
      status: 503,
      requestId: 'R1',
      attempts: 3,
    });
    expect(sent).toHaveLength(3);
  });

  it.each([
    [403, 'AccessDenied'],
    [404, 'NoSuchBucket'],
    [409, 'BucketAlreadyExists'],
    [412, 'PreconditionFailed'],
    [400, 'InvalidArgument'],
    [501, 'NotImplemented'],
    [301, 'PermanentRedirect'],
  ])('but not after %i %s', async (status, code) => {
    const { storage, sent } = setUp([error(status, code)]);
    await expect(storage.put(put)).rejects.toMatchObject({ code, status, attempts: 1 });
    expect(sent).toHaveLength(1);
  });

  it('says how often, because a 412 may be the echo of a lost success', async () => {
    const { storage } = setUp([refused, error(412, 'PreconditionFailed')]);
    await expect(storage.put({ ...put, ifNoneMatch: '*' })).rejects.toMatchObject({ status: 412, attempts: 2 });
  });

  it('not before it was asked to, and not at all when that is too long', async () => {
    const early = setUp([error(503, 'SlowDown', { 'retry-after': '0' }), stored()]);
    await early.storage.put(put);
    const late = setUp([error(503, 'SlowDown', { 'retry-after': '31' })]);
    await expect(late.storage.put(put)).rejects.toMatchObject({ retryAfterSeconds: 31 });
    expect(late.sent).toHaveLength(1);
  });
});

describe('gives up', () => {
  it('on one attempt after its time', async () => {
    const { storage, sent } = setUp(['silence', stored()], { timeoutMs: 5 });
    await storage.put(put);
    expect(sent).toHaveLength(2);
  });

  it('in words without the address', async () => {
    const { storage } = setUp(['silence'], { timeoutMs: 5, retries: 0 });
    await expect(storage.put(put)).rejects.toMatchObject({
      code: 'storage_unavailable',
      message: 'The storage did not answer within 5 ms.',
    });
    const { storage: other } = setUp([refused], { retries: 0 });
    await expect(other.put(put)).rejects.toMatchObject({
      code: 'storage_unavailable',
      message: 'The storage could not be reached.',
      cause: { message: 'connect ECONNREFUSED' },
    });
  });

  it('when a body stops halfway', async () => {
    const stuck = (init: RequestInit) =>
      new Response(
        new ReadableStream({
          start(controller) {
            controller.enqueue(Buffer.from('<List'));
            // As fetch does it.
            init.signal?.addEventListener('abort', () => controller.error(init.signal?.reason));
          },
        }),
      );
    const { storage, sent } = setUp([stuck, new Response('<ListBucketResult/>')], { timeoutMs: 5 });
    expect(await storage.list({ prefix: '' })).toEqual({ objects: [] });
    expect(sent).toHaveLength(2);
  });

  it('but not while something arrives', async () => {
    let pieces = 0;
    const slow = (init: RequestInit) =>
      new Response(
        new ReadableStream({
          async pull(controller) {
            await new Promise((resolve) => setTimeout(resolve, 20));
            if (init.signal?.aborted) return controller.error(init.signal.reason);
            controller.enqueue(Buffer.from(pieces++ < 15 ? ' ' : '<ListBucketResult/>'));
            if (pieces > 15) controller.close();
          },
        }),
      );
    const { storage, sent } = setUp([slow], { timeoutMs: 200, retries: 0 });
    expect(await storage.list({ prefix: '' })).toEqual({ objects: [] });
    expect(sent).toHaveLength(1);
  });

  it('when its caller does, and then at once', async () => {
    const controller = new AbortController();
    const { storage, sent } = setUp(['silence', stored()]);
    const got = storage.get('a', { signal: controller.signal });
    await new Promise((resolve) => setImmediate(resolve));
    controller.abort(new Error('enough'));
    await expect(got).rejects.toThrow('enough');
    expect(sent).toHaveLength(1);
  });

  it('when its caller does, also between two attempts', async () => {
    const controller = new AbortController();
    const { storage, sent } = setUp([error(503, 'SlowDown', { 'retry-after': '20' }), stored()]);
    const got = storage.get('a', { signal: controller.signal });
    await new Promise((resolve) => setTimeout(resolve, 5));
    controller.abort(new Error('enough'));
    await expect(got).rejects.toThrow('enough');
    expect(sent).toHaveLength(1);
  });
});

describe('a success that is none', () => {
  const copy = { from: 'a', to: 'b', contentType: 'text/plain' };

  it('is a failure: an error after spaces', async () => {
    const late = () => new Response('   \n<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>');
    const { storage } = setUp([late]);
    await expect(storage.copy(copy)).rejects.toMatchObject({ code: 'AccessDenied', status: 200 });
  });

  it('is a failure: nothing at all, tried again', async () => {
    const { storage, sent } = setUp([new Response('    '), copied]);
    expect(await storage.copy(copy)).toEqual({ etag: '"e"' });
    expect(sent).toHaveLength(2);
  });
});

describe('half an answer', () => {
  const root = 'InitiateMultipartUploadResult';
  const whole = `<${root}><Bucket>b</Bucket><Key>a</Key><UploadId>abcdef</UploadId></${root}>`;

  it.each([`<${root}>`, whole.slice(0, whole.indexOf('def')), whole.slice(0, -1)])('is none: %s', async (half) => {
    const { storage, sent } = setUp([new Response(half), new Response(whole)], { capabilities: 'devstore' });
    const made = await storage.createMultipart({ key: 'a', contentType: 'text/plain', metadata: {} });
    expect(made).toEqual({ multipartId: 'abcdef' });
    expect(sent).toHaveLength(2);
  });
});

describe('the clock', () => {
  const ours = Date.UTC(2026, 10, 23, 12);
  const theirs = ours + 3_600_000;
  const date = { date: new Date(theirs).toUTCString() };

  it('is the storage’s, learned from a refusal and kept', async () => {
    const { storage, sent } = setUp(
      [error(403, 'RequestTimeTooSkewed', date), new Response(null, { headers: { ...date, etag: '"e"' } })],
      {
        now: () => ours,
        retries: 0,
      },
    );
    await storage.put(put);
    expect(sent.map(({ headers }) => headers['x-amz-date'])).toEqual(['20261123T120000Z', '20261123T130000Z']);
    expect(storage.presignGet({ key: 'a', expiresInSeconds: 60 }).expiresAt).toBe('2026-11-23T13:01:00.000Z');
  });

  it('is corrected for a HEAD too, whose refusal says nothing', async () => {
    const { storage, sent } = setUp(
      [new Response(null, { status: 403, headers: date }), new Response(null, { status: 404, headers: date })],
      {
        now: () => ours,
        retries: 0,
      },
    );
    expect(await storage.head('a')).toBeNull();
    expect(sent.map(({ method }) => method)).toEqual(['HEAD', 'HEAD']);
  });

  it('is corrected once, and only when it differs', async () => {
    const skewed = () => error(403, 'RequestTimeTooSkewed', date);
    const { storage, sent } = setUp([skewed, skewed, skewed], { now: () => ours, retries: 0 });
    await expect(storage.put(put)).rejects.toMatchObject({ code: 'RequestTimeTooSkewed' });
    expect(sent).toHaveLength(2);
    const agreeing = setUp([error(403, 'RequestTimeTooSkewed', { date: new Date(ours + 20_000).toUTCString() })], {
      now: () => ours,
    });
    await expect(agreeing.storage.put(put)).rejects.toMatchObject({ code: 'RequestTimeTooSkewed' });
    expect(agreeing.storage.presignGet({ key: 'a', expiresInSeconds: 60 }).expiresAt).toBe('2026-11-23T12:01:00.000Z');
  });

  it('is not learned from a cache', async () => {
    const { storage } = setUp([new Response(null, { headers: { ...date, age: '3600', etag: '"e"' } })], {
      now: () => ours,
    });
    await storage.put(put);
    expect(storage.presignGet({ key: 'a', expiresInSeconds: 60 }).expiresAt).toBe('2026-11-23T12:01:00.000Z');
  });
});

describe('credentials', () => {
  it('that the storage calls expired are replaced, once', async () => {
    let asked = 0;
    const provider = () => ({ ...credentials, accessKeyId: `KEY${++asked}` });
    const { storage, sent } = setUp([error(400, 'ExpiredToken'), stored()], { credentials: provider, retries: 0 });
    await storage.put(put);
    expect(sent.map(({ headers }) => /Credential=([^/]+)/.exec(headers.authorization ?? '')?.[1])).toEqual([
      'KEY1',
      'KEY2',
    ]);
    const head = setUp([new Response(null, { status: 400 }), new Response(null, { status: 404 })], {
      credentials: provider,
      retries: 0,
    });
    expect(await head.storage.head('a')).toBeNull();
  });

  it('that are refused again are not replaced for ever', async () => {
    const expired = () => error(400, 'ExpiredToken');
    const { storage, sent } = setUp([expired, expired, expired], { credentials: () => credentials, retries: 0 });
    await expect(storage.put(put)).rejects.toMatchObject({ code: 'ExpiredToken' });
    expect(sent).toHaveLength(2);
  });

  it('that are fixed are not', async () => {
    const { storage, sent } = setUp([error(400, 'ExpiredToken')]);
    await expect(storage.put(put)).rejects.toMatchObject({ code: 'ExpiredToken' });
    expect(sent).toHaveLength(1);
  });
});

describe('what is missing', () => {
  const none = () => new Response('<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>');
  const some = (key: string) => () =>
    new Response(
      `<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>${key}</Key><Size>1</Size></Contents></ListBucketResult>`,
    );
  const denied = () => new Response(null, { status: 403 });

  it('is null', async () => {
    expect(await setUp([new Response(null, { status: 404 })]).storage.head('a')).toBeNull();
    expect(await setUp([error(404, 'NoSuchKey')]).storage.get('a')).toBeNull();
  });

  it('is null too when a 403 turns out to mean that', async () => {
    expect(await setUp([denied, none]).storage.head('a')).toBeNull();
    expect(await setUp([denied, some('a+b')]).storage.head('a')).toBeNull();
    expect(await setUp([error(403, 'AccessDenied'), none]).storage.get('a')).toBeNull();
  });

  it('is not null when we may not look', async () => {
    await expect(setUp([denied, some('a')]).storage.head('a')).rejects.toMatchObject({ status: 403 });
    await expect(setUp([denied, some('a+b')]).storage.head('a b')).rejects.toMatchObject({ status: 403 });
    await expect(setUp([denied, error(403, 'AccessDenied')]).storage.head('a')).rejects.toMatchObject({ status: 403 });
    await expect(setUp([error(404, 'NoSuchBucket')]).storage.get('a')).rejects.toMatchObject({ code: 'NoSuchBucket' });
  });
});

describe('answers', () => {
  it('about many deletes name those that failed', async () => {
    const result = '<DeleteResult><Error><Key>a&amp;b</Key><Code>AccessDenied</Code></Error></DeleteResult>';
    const { storage, sent } = setUp([
      new Response(result),
      new Response('<DeleteResult/>'),
      stored(),
      error(403, 'AccessDenied'),
    ]);
    const keys = ['a&b', ...Array.from({ length: 1000 }, (_, index) => `k${index}`), 'bell\u0007', 'null\u0000'];
    expect(await storage.deleteMany(keys)).toEqual([
      { key: 'a&b', code: 'AccessDenied' },
      { key: 'null\u0000', code: 'AccessDenied' },
    ]);
    expect(sent.map(({ method }) => method)).toEqual(['POST', 'POST', 'DELETE', 'DELETE']);
    // XML 1.0 cannot say them, escaped or not.
    expect(sent[0]?.body).toContain('<Object><Key>a&#38;b</Key></Object>');
    for (const { body } of sent) expect(body).not.toMatch(/bell|null/);
    expect(await storage.deleteMany([])).toEqual([]);
    expect(sent).toHaveLength(4);
  });

  it('about one object are a list of one, and keys are text', async () => {
    const { storage } = setUp([
      new Response(
        '<ListBucketResult><EncodingType>url</EncodingType><NextContinuationToken>t</NextContinuationToken><Contents><Key>007+%2B%0A</Key><Size>3</Size><ETag>&quot;e&quot;</ETag><LastModified>d</LastModified></Contents></ListBucketResult>',
      ),
    ]);
    expect(await storage.list({ prefix: '' })).toEqual({
      objects: [{ key: '007 +\n', size: 3, etag: '"e"', lastModified: 'd' }],
      continuationToken: 't',
    });
  });

  it('that are too long are not read to their end', async () => {
    const megabyte = Buffer.alloc(1024 * 1024, ' ');
    let pulled = 0;
    const endless = new ReadableStream({
      pull(controller) {
        pulled++;
        controller.enqueue(megabyte);
      },
    });
    const { storage } = setUp([new Response(endless)], { retries: 0 });
    await expect(storage.list({ prefix: '' })).rejects.toMatchObject({ code: 'storage_unavailable' });
    expect(pulled).toBeLessThan(20);
  });
});

it('no failure quotes a URL, a signature or a key', async () => {
  const quoting = () =>
    new Response(
      '<Error><Code>SignatureDoesNotMatch</Code><Message>See http://store.test:9000/a?X-Amz-Signature=abc Credential=AKIDEXAMPLE/2026</Message></Error>',
      { status: 403 },
    );
  const { storage } = setUp([quoting]);
  const failure = await storage.put(put).catch((error: unknown) => error);
  const unreached = Object.assign(new TypeError('fetch failed'), {
    cause: new Error('getaddrinfo http://store.test/?X-Amz-Signature=abc'),
  });
  const other = await setUp([unreached], { retries: 0 })
    .storage.put(put)
    .catch((error: unknown) => error);
  expect(String((other as Error).cause)).toContain('getaddrinfo');
  expect(String((other as Error).cause)).not.toContain('X-Amz-Signature');
  expect(JSON.stringify([failure, String(failure), (failure as Error).stack])).not.toMatch(
    /X-Amz-Signature|AKIDEXAMPLE/,
  );
});
