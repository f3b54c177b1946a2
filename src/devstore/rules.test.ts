/** The small rules of the devstore, each as a table. */
import { describe, expect, it } from 'vitest';
import { checkReadConditions, checkWriteCondition, readConditions, readWriteCondition } from './conditions.ts';
import { type CorsRule, corsHeaders, findRule } from './cors-rules.ts';
import { createFaultInjector } from './fault-injector.ts';
import { parseRange } from './ranges.ts';
import { objectTagLimits, parseTagDocument, parseTagHeader } from './tags.ts';
import { isBucketName, resolveTarget } from './target.ts';

describe('parseRange', () => {
  it.each([
    ['bytes=0-3', { start: 0, length: 4 }],
    ['bytes=5-', { start: 5, length: 5 }],
    ['bytes=5-99', { start: 5, length: 5 }],
    ['bytes=-3', { start: 7, length: 3 }],
    ['bytes=-99', { start: 0, length: 10 }],
    ['bytes=5-3', undefined],
    ['bytes=0-1,3-4', undefined],
    ['items=0-1', undefined],
    ['bytes=-', undefined],
    [undefined, undefined],
  ])('parses %s of ten bytes', (value, expected) => expect(parseRange(value, 10)).toEqual(expected));

  it.each(['bytes=10-', 'bytes=10-20', 'bytes=-0'])('refuses %s of ten bytes', (value) => {
    expect(() => parseRange(value, 10)).toThrow(
      expect.objectContaining({ code: 'InvalidRange', headers: { 'content-range': 'bytes */10' } }),
    );
  });

  it('refuses every range of an empty object', () => {
    expect(() => parseRange('bytes=0-0', 0)).toThrow();
    expect(() => parseRange('bytes=-1', 0)).toThrow();
  });
});

describe('checkReadConditions()', () => {
  const record = { etag: 'e', modified: Date.UTC(2026, 0, 2) };
  const [before, same, after] = [1, 2, 3].map((day) => new Date(Date.UTC(2026, 0, day)).toUTCString()) as [
    string,
    string,
    string,
  ];
  const now = Date.UTC(2026, 0, 3);
  it.each<[Record<string, string>, number | null]>([
    [{ 'if-match': '"e"' }, null],
    [{ 'if-match': '*' }, null],
    [{ 'if-match': '"x", "e"' }, null],
    [{ 'if-match': '"x"' }, 412],
    [{ 'if-match': '"e"', 'if-unmodified-since': before }, null],
    [{ 'if-unmodified-since': before }, 412],
    [{ 'if-unmodified-since': same }, null],
    [{ 'if-none-match': '"e"' }, 304],
    [{ 'if-none-match': 'W/"e"' }, 304],
    [{ 'if-none-match': '"x"' }, null],
    [{ 'if-none-match': '"x"', 'if-modified-since': same }, null],
    [{ 'if-none-match': '"e"', 'if-modified-since': before }, 304],
    [{ 'if-modified-since': same }, 304],
    [{ 'if-modified-since': before }, null],
    [{ 'if-modified-since': new Date(Date.UTC(2030, 0, 1)).toUTCString() }, null],
    [{ 'if-modified-since': 'nonsense' }, null],
    [{ 'if-match': '"x"', 'if-none-match': '"e"' }, 412],
    [{ 'if-unmodified-since': after }, null],
  ])('answers %j with %s', (headers, expected) => {
    expect(checkReadConditions(new Map(Object.entries(headers)), record, readConditions, now)?.status ?? null).toBe(
      expected,
    );
  });
});

describe('conditional writes', () => {
  const absent = readWriteCondition(new Map([['if-none-match', '*']]));
  const etag = readWriteCondition(new Map([['if-match', '"e"']]));
  it.each([
    ['absent, none there', absent, null, false, undefined],
    ['absent, one there', absent, { etag: 'e' }, false, 'PreconditionFailed'],
    ['absent, deleted meanwhile', absent, null, true, 'ConditionalRequestConflict'],
    ['etag, the same', etag, { etag: 'e' }, false, undefined],
    ['etag, another', etag, { etag: 'x' }, false, 'PreconditionFailed'],
    ['etag, none there', etag, null, false, 'NoSuchKey'],
    ['etag, deleted meanwhile', etag, null, true, 'ConditionalRequestConflict'],
    ['none', undefined, { etag: 'x' }, true, undefined],
  ])('are evaluated: %s', (_, condition, present, hasConflict, code) => {
    const check = () => checkWriteCondition(condition, 'k', present, hasConflict);
    if (code === undefined) expect(check).not.toThrow();
    else expect(check).toThrow(expect.objectContaining({ code }));
  });

  it.each([
    { 'if-none-match': '"e"' },
    { 'if-match': '*' },
    { 'if-match': '"e"', 'if-none-match': '*' },
    { 'if-modified-since': 'x' },
  ])('are NotImplemented: %j', (headers) => {
    expect(() => readWriteCondition(new Map(Object.entries(headers)))).toThrow(
      expect.objectContaining({ code: 'NotImplemented' }),
    );
  });
});

describe('CORS rules', () => {
  const rules: CorsRule[] = [
    { allowedOrigins: ['https://*.app.example'], allowedMethods: ['PUT'], allowedHeaders: ['x-amz-*', 'Content-Type'] },
    { allowedOrigins: ['*'], allowedMethods: ['GET'], exposeHeaders: ['ETag'], maxAgeSeconds: 5 },
  ];
  it.each([
    ['https://a.app.example', 'PUT', ['x-amz-date', 'content-type'], 0],
    ['https://app.example', 'PUT', [], undefined],
    ['https://a.app.example.evil', 'PUT', [], undefined],
    ['https://a.app.example', 'PUT', ['authorization'], undefined],
    ['https://a.app.example', 'DELETE', [], undefined],
    ['https://other.example', 'GET', [], 1],
    ['null', 'GET', [], 1],
    ['https://other.example', 'GET', ['x-any'], undefined],
  ])('match %s %s %j', (origin, method, headers, index) => {
    expect(findRule(rules, { origin, method, headers })).toBe(index === undefined ? undefined : rules[index]);
  });

  it('allow credentials only for an origin that is named', () => {
    const [named, any] = rules as [CorsRule, CorsRule];
    const question = { origin: 'https://a.app.example', method: 'PUT', headers: [] };
    expect(corsHeaders(named, question)).toMatchObject({
      'access-control-allow-origin': question.origin,
      'access-control-allow-credentials': 'true',
    });
    expect(corsHeaders(any, { ...question, method: 'GET' })).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-credentials': undefined,
      'access-control-max-age': '5',
    });
  });
});

describe('resolveTarget()', () => {
  const hosts = ['localhost', 's3.localhost'];
  it.each([
    ['/b/k', '127.0.0.1:9000', { bucket: 'b', key: 'k' }],
    ['/b', 'localhost:9000', { bucket: 'b', key: undefined }],
    ['/b/', 'localhost', { bucket: 'b', key: undefined }],
    ['/', 'localhost', { bucket: undefined, key: undefined }],
    ['/b//k', 'localhost', { bucket: 'b', key: '/k' }],
    ['/b/../k', 'localhost', { bucket: 'b', key: '../k' }],
    ['/k/l', 'photos.localhost:1', { bucket: 'photos', key: 'k/l' }],
    ['/', 'photos.localhost', { bucket: 'photos', key: undefined }],
    ['/k', 'a.b.s3.localhost', { bucket: 'a.b', key: 'k' }],
    ['/b/k', 's3.localhost', { bucket: 'b', key: 'k' }],
  ])('resolves %s on %s', (path, host, expected) => expect(resolveTarget(path, host, hosts)).toEqual(expected));

  it.each(['abc', 'a.b-c', '0ab', 'x'.repeat(63)])('accepts the bucket name %s', (name) =>
    expect(isBucketName(name)).toBe(true),
  );
  it.each(['ab', 'Abc', 'a_b', '-ab', 'ab-', 'a..b', 'a.-b', '10.0.0.1', 'xn--ab', 'ab-s3alias', 'x'.repeat(64)])(
    'refuses the bucket name %s',
    (name) => expect(isBucketName(name)).toBe(false),
  );
});

describe('tags', () => {
  it('are read from the header', () => {
    expect(parseTagHeader('a=b&c=d%20e')).toEqual([
      ['a', 'b'],
      ['c', 'd e'],
    ]);
  });
  it('ignore empty pairs in the header', () => {
    expect(parseTagHeader('a=1&&&b=2&')).toEqual([
      ['a', '1'],
      ['b', '2'],
    ]);
  });
  it('are refused with BadRequest when there are more than ten', () => {
    const eleven = Array.from({ length: 11 }, (_, at) => `k${at}=v`).join('&');
    expect(() => parseTagHeader(eleven)).toThrow(expect.objectContaining({ code: 'BadRequest' }));
  });
  it.each(['a=1&a=2', 'a=b=c', 'a=1,b=2'])('are refused in the header %s', (value) => {
    expect(() => parseTagHeader(value)).toThrow(expect.objectContaining({ code: 'InvalidArgument' }));
  });
  it.each([
    ['a long key', [['k'.repeat(129), '']]],
    ['a long value', [['k', 'v'.repeat(257)]]],
    ['a reserved key', [['aws:k', 'v']]],
    [
      'one key twice',
      [
        ['k', '1'],
        ['k', '2'],
      ],
    ],
    ['a character that is not allowed', [['k', '<']]],
  ])('are refused: %s', (_, tags) => {
    const tag = tags.map(([key, value]) => `<Tag><Key>${key}</Key><Value>${value?.replace('<', '&lt;')}</Value></Tag>`);
    expect(() => parseTagDocument(`<Tagging><TagSet>${tag.join('')}</TagSet></Tagging>`, objectTagLimits)).toThrow(
      expect.objectContaining({ code: 'InvalidTag' }),
    );
  });
});

describe('a fault', () => {
  const request = { method: 'PUT', bucket: 'b', key: 'k', query: [] };
  it('applies to the requests of its predicate, with its probability', () => {
    const draws = [0.1, 0.9];
    const faultInjector = createFaultInjector(
      () => draws.shift() ?? 1,
      [
        { when: ({ method }) => method === 'GET', delayMs: 1 },
        { probability: 0.5, expire: true },
      ],
    );
    expect(faultInjector.select(request)).toMatchObject({ expire: true });
    expect(faultInjector.select(request)).toEqual({});
  });
  it('can be replaced, and sets one clock for all requests', () => {
    const faultInjector = createFaultInjector(() => 0, { clockSkewSeconds: 60 });
    expect(faultInjector.clockSkewMs()).toBe(60_000);
    faultInjector.set(undefined);
    expect(faultInjector.clockSkewMs()).toBe(0);
  });
});
