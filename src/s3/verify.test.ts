/** Each rule of the verifier. Times are those of the examples of AWS. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { S3AuthError } from './auth-error.ts';
import { createAuthorizedHeaders } from './authorization-header.ts';
import { emptyPayload, unsignedPayload } from './sign.ts';
import { createSigningTimes } from './signing-time.ts';
import { s3Storage } from './storage.ts';
import type { Credentials, S3StorageOptions } from './types.ts';
import { type RequestToVerify, type VerifyOptions, verifyRequest } from './verify.ts';

const now = Date.UTC(2013, 4, 24);
const credentials: Credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' };
const temporary: Credentials = { accessKeyId: 'ASIAEXAMPLE', secretAccessKey: 'other', sessionToken: 'tok/en+==' };
const lookup = (id: string) => [credentials, temporary].find(({ accessKeyId }) => accessKeyId === id);

const storageWith = (options: Partial<S3StorageOptions> = {}) =>
  s3Storage({
    capabilities: 'aws',
    bucket: 'user-content',
    endpoint: 'http://store.test:9000',
    credentials,
    now: () => now,
    ...options,
  });

interface Presigned {
  method: string;
  url: string;
  headers: Record<string, string>;
}

/** The request as a storage receives it. */
function received({ method, url, headers }: Presigned): RequestToVerify {
  const [, host = '', rawPath = '', rawQuery = ''] = /^https?:\/\/([^/]+)([^?]*)\??(.*)$/.exec(url) ?? [];
  return { method, rawPath, rawQuery, headers: { host, ...headers } };
}

function verify(request: RequestToVerify, options: Partial<VerifyOptions> = {}) {
  return verifyRequest(request, { lookup, now, ...options });
}

function refusal(request: RequestToVerify, options: Partial<VerifyOptions> = {}): string {
  try {
    verify(request, options);
    return 'accepted';
  } catch (error) {
    if (!(error instanceof S3AuthError)) throw error;
    return `${error.status} ${error.code}: ${error.message}`;
  }
}

const put = (options: Partial<S3StorageOptions> = {}) =>
  received(
    storageWith(options).presignPut({
      key: 'a/photo 1.jpg',
      size: 3,
      contentType: 'image/jpeg',
      checksum: { algorithm: 'sha256', value: 'ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=' },
      metadata: { waybill: 'receipt' },
      expiresInSeconds: 60,
    }),
  );

const withQuery = (request: RequestToVerify, edit: (query: URLSearchParams) => void): RequestToVerify => {
  const query = new URLSearchParams(request.rawQuery);
  edit(query);
  return { ...request, rawQuery: query.toString() };
};
const withHeaders = (request: RequestToVerify, headers: Record<string, string>): RequestToVerify => ({
  ...request,
  headers: { ...request.headers, ...headers },
});
const without = (request: RequestToVerify, name: string): RequestToVerify => ({
  ...request,
  headers: Object.fromEntries(Object.entries(request.headers).filter(([header]) => header !== name)),
});

const mismatch =
  '403 SignatureDoesNotMatch: The request signature we calculated does not match the signature you provided. Check your key and signing method.';

describe('a presigned request', () => {
  it('is accepted unchanged', () => {
    expect(verify(put())).toMatchObject({
      accessKeyId: 'AKIDEXAMPLE',
      kind: 'query',
      payload: { kind: 'unsigned' },
      date: '20130524T000000Z',
      scope: '20130524/us-east-1/s3/aws4_request',
      signedHeaders: [
        'content-length',
        'content-type',
        'host',
        'if-none-match',
        'x-amz-checksum-sha256',
        'x-amz-meta-waybill',
      ],
    });
  });

  it.each<[string, (request: RequestToVerify) => RequestToVerify]>([
    ['another method', (request) => ({ ...request, method: 'GET' })],
    ['another key', (request) => ({ ...request, rawPath: '/user-content/a/photo%202.jpg' })],
    ['another bucket', (request) => ({ ...request, rawPath: '/other/a/photo%201.jpg' })],
    ['another host', (request) => withHeaders(request, { host: 'store.test' })],
    ['another length', (request) => withHeaders(request, { 'content-length': '4' })],
    ['no length', (request) => without(request, 'content-length')],
    ['another type', (request) => withHeaders(request, { 'content-type': 'text/html' })],
    ['a type with a parameter', (request) => withHeaders(request, { 'content-type': 'image/jpeg;a=b' })],
    ['no type', (request) => without(request, 'content-type')],
    ['no If-None-Match', (request) => without(request, 'if-none-match')],
    ['no checksum', (request) => without(request, 'x-amz-checksum-sha256')],
    ['other metadata', (request) => withHeaders(request, { 'x-amz-meta-waybill': 'other' })],
    ['a sub-resource', (request) => ({ ...request, rawQuery: `${request.rawQuery}&acl` })],
    ['an extra parameter', (request) => ({ ...request, rawQuery: `a=b&${request.rawQuery}` })],
    ['a raised expiry', (request) => withQuery(request, (query) => query.set('X-Amz-Expires', '61'))],
    ['another date', (request) => withQuery(request, (query) => query.set('X-Amz-Date', '20130524T000001Z'))],
    ['a payload hash that was not signed', (request) => withHeaders(request, { 'x-amz-content-sha256': emptyPayload })],
    ['a shorter signature', (request) => ({ ...request, rawQuery: request.rawQuery.slice(0, -1) })],
    [
      'a signature in upper case',
      (request) =>
        withQuery(request, (query) => query.set('X-Amz-Signature', (query.get('X-Amz-Signature') ?? '').toUpperCase())),
    ],
  ])('is refused with %s', (_what, change) => {
    expect(refusal(change(put()))).toBe(mismatch);
  });

  it('must contain every signed header, also one with an empty value', () => {
    const signingTime = createSigningTimes('us-east-1')(credentials, now);
    const headers = createAuthorizedHeaders(
      { method: 'GET', path: '/', query: '', headers: { 'x-amz-meta-empty': '' }, payload: unsignedPayload },
      'store.test',
      signingTime,
    );
    const request = { method: 'GET', rawPath: '/', rawQuery: '', headers: { host: 'store.test', ...headers } };
    expect(refusal(request)).toBe('accepted');
    expect(refusal(without(request, 'x-amz-meta-empty'))).toBe(mismatch);
  });

  it('accepts its signed UNSIGNED-PAYLOAD as a header too', () => {
    expect(verify(withHeaders(put(), { 'x-amz-content-sha256': unsignedPayload })).payload).toEqual({
      kind: 'unsigned',
    });
  });

  it.each([
    ['x-amz-acl', 'public-read'],
    ['x-amz-meta-other', 'a'],
    ['x-amz-tagging', 'a=b'],
    ['x-amz-security-token', 'tok'],
    ['content-md5', 'rL0Y20zC+Fzt72VPzMSk2A=='],
  ])('is refused with an unsigned %s', (name, value) => {
    expect(refusal(withHeaders(put(), { [name]: value }))).toBe(
      '403 AccessDenied: There were headers present in the request which were not signed',
    );
    try {
      verify(withHeaders(put(), { [name]: value }));
    } catch (error) {
      expect((error as S3AuthError).details).toEqual({ HeadersNotSigned: name });
    }
  });

  it('is refused when the signature does not cover the host', () => {
    const request = withQuery(put(), (query) => query.set('X-Amz-SignedHeaders', 'content-type'));
    expect(refusal({ ...request, headers: { host: 'store.test:9000', 'content-type': 'image/jpeg' } })).toBe(
      '403 AccessDenied: There were headers present in the request which were not signed',
    );
  });

  it('is refused for an unsigned If-Range only with a signed Range', () => {
    const request = received(storageWith().presignGet({ key: 'a', expiresInSeconds: 60 }));
    expect(refusal(withHeaders(request, { range: 'bytes=0-1', 'if-range': '"e"' }))).toBe('accepted');
    const ranged = withQuery(request, (query) => query.set('X-Amz-SignedHeaders', 'host;range'));
    expect(refusal(withHeaders(ranged, { range: 'bytes=0-1', 'if-range': '"e"' }))).toContain('not signed');
  });

  it('is valid until exactly X-Amz-Expires', () => {
    expect(refusal(put(), { now: now + 60_000 })).toBe('accepted');
    expect(refusal(put(), { now: now + 60_001 })).toBe('403 AccessDenied: Request has expired');
  });

  it('is refused before its date', () => {
    expect(refusal(put(), { now: now - 900_000 })).toBe('accepted');
    expect(refusal(put(), { now: now - 900_001 })).toBe('403 AccessDenied: Request is not yet valid');
    expect(refusal(put(), { now: now - 61_000, maxSkewSeconds: 60 })).toBe(
      '403 AccessDenied: Request is not yet valid',
    );
  });

  const errorCode = 'AuthorizationQueryParametersError';
  it.each([
    ['X-Amz-Algorithm', null, 'Query-string authentication version 4 requires'],
    ['X-Amz-Credential', null, 'Query-string authentication version 4 requires'],
    ['X-Amz-Signature', null, 'Query-string authentication version 4 requires'],
    ['X-Amz-Date', null, 'Query-string authentication version 4 requires'],
    ['X-Amz-SignedHeaders', null, 'Query-string authentication version 4 requires'],
    ['X-Amz-Expires', null, 'Query-string authentication version 4 requires'],
    ['X-Amz-Algorithm', 'AWS4-HMAC-SHA1', 'X-Amz-Algorithm only supports'],
    ['X-Amz-Expires', '604801', 'X-Amz-Expires must be less than a week'],
    ['X-Amz-Expires', '-1', 'X-Amz-Expires must be non-negative'],
    ['X-Amz-Expires', '1e3', 'X-Amz-Expires should be a number'],
    ['X-Amz-Date', '20130524', 'X-Amz-Date must be in the ISO8601 Long Format'],
    ['X-Amz-Date', '20130231T000000Z', 'X-Amz-Date must be in the ISO8601 Long Format'],
    ['X-Amz-Date', '20130525T000000Z', 'Invalid credential date "20130524"'],
    ['X-Amz-Credential', 'AKIDEXAMPLE', 'the Credential is mal-formed'],
    ['X-Amz-Credential', '/20130524/us-east-1/s3/aws4_request', 'the Credential is mal-formed'],
    ['X-Amz-Credential', 'AKIDEXAMPLE/20130524/us-east-1/ec2/aws4_request', 'incorrect service "ec2"'],
    ['X-Amz-Credential', 'AKIDEXAMPLE/20130524/us-east-1/s3/aws4', 'incorrect terminal "aws4"'],
    [
      'X-Amz-Credential',
      'AKIDEXAMPLE/20130524/eu-west-1/s3/aws4_request',
      "the region 'eu-west-1' is wrong; expecting 'us-east-1'",
    ],
    ['X-Amz-SignedHeaders', 'Host', 'SignedHeaders must be lower-case'],
    ['X-Amz-SignedHeaders', 'host;host', 'SignedHeaders must name each header once'],
  ])('is malformed with %s = %s', (name, value, message) => {
    const request = withQuery(put(), (query) => (value === null ? query.delete(name) : query.set(name, value)));
    const refused = refusal(request, { region: 'us-east-1' });
    expect(refused).toContain(`400 ${errorCode}: `);
    expect(refused).toContain(message);
  });

  it('may encode a space as a plus and order its parameters freely', () => {
    const request = received(
      storageWith().presignGet({ key: 'a', expiresInSeconds: 60, contentDisposition: 'attachment; filename=a' }),
    );
    const backwards = request.rawQuery.replace('%20', '+').split('&').reverse().join('&');
    expect(backwards).toContain('+');
    expect(refusal({ ...request, rawQuery: backwards })).toBe('accepted');
  });

  it('is refused with a repeated parameter', () => {
    expect(refusal({ ...put(), rawQuery: `${put().rawQuery}&X-Amz-Expires=604800` })).toContain(`400 ${errorCode}`);
  });

  it('is refused with an unknown access key', () => {
    expect(refusal(put(), { lookup: () => undefined })).toBe(
      '403 InvalidAccessKeyId: The AWS Access Key Id you provided does not exist in our records.',
    );
  });

  it('is refused with another secret', () => {
    expect(refusal(put(), { lookup: () => ({ ...credentials, secretAccessKey: 'Secret' }) })).toBe(mismatch);
  });

  it('is refused with a broken escape', () => {
    expect(refusal({ ...put(), rawPath: '/user-content/%zz' })).toBe(
      "400 InvalidURI: Couldn't parse the specified URI.",
    );
    expect(refusal({ ...put(), rawQuery: `${put().rawQuery}&a=%` })).toBe(
      "400 InvalidURI: Couldn't parse the specified URI.",
    );
  });
});

describe('a session token', () => {
  const request = put({ credentials: temporary });
  const token = (value: string | null) =>
    withQuery(request, (query) =>
      value === null ? query.delete('X-Amz-Security-Token') : query.set('X-Amz-Security-Token', value),
    );

  it('is accepted in the query', () => {
    expect(new URLSearchParams(request.rawQuery).get('X-Amz-Security-Token')).toBe('tok/en+==');
    expect(refusal(request)).toBe('accepted');
  });

  it('is required', () => expect(refusal(token(null))).toContain('403 InvalidAccessKeyId'));
  it('is refused when it is wrong', () => expect(refusal(token('tok'))).toContain('400 InvalidToken'));
  it('is refused for long-lived keys', () => {
    const stray = withQuery(put(), (query) => query.set('X-Amz-Security-Token', 'tok'));
    expect(refusal(stray)).toContain('400 InvalidToken');
  });
  it('is refused after it expires', () => {
    const expiredCredentials = () => ({ ...temporary, expiration: new Date(now) });
    expect(refusal(request, { lookup: expiredCredentials })).toBe('400 ExpiredToken: The provided token has expired.');
  });
});

describe('an Authorization header', () => {
  const signed = (headers: Record<string, string> = {}, who = credentials) =>
    createAuthorizedHeaders(
      { method: 'GET', path: '/user-content/a', query: '', headers, payload: emptyPayload },
      'store.test',
      createSigningTimes('us-east-1')(who, now),
    );
  const get = (headers = signed()): RequestToVerify => ({
    method: 'GET',
    rawPath: '/user-content/a',
    rawQuery: '',
    headers: { host: 'store.test', ...headers },
  });

  it('is accepted', () => {
    expect(verify(get())).toMatchObject({ kind: 'header', payload: { kind: 'sha256', hex: emptyPayload } });
    expect(refusal(get(signed({}, temporary)))).toBe('accepted');
  });

  it('may use the Date header', () => {
    const date = new Date(now).toUTCString();
    const { 'x-amz-date': _, ...headers } = signed({ date });
    // The signature covers x-amz-date, so it does not match. The error shows that Date was read.
    expect(refusal(get(headers))).toBe(mismatch);
    expect(refusal(get({ ...headers, date: 'yesterday' }))).toContain('403 AccessDenied: AWS authentication requires');
  });

  it('is refused outside the allowed clock skew', () => {
    expect(refusal(get(), { now: now + 900_000 })).toBe('accepted');
    expect(refusal(get(), { now: now - 900_000 })).toBe('accepted');
    for (const skewed of [now + 900_001, now - 900_001])
      expect(refusal(get(), { now: skewed })).toBe(
        '403 RequestTimeTooSkewed: The difference between the request time and the current time is too large.',
      );
  });

  it.each([['wrong region', { region: 'eu-west-1' }, "the region 'us-east-1' is wrong; expecting 'eu-west-1'"]])(
    'with a %s is malformed',
    (_what, options, message) => {
      expect(refusal(get(), options)).toBe(
        `400 AuthorizationHeaderMalformed: The authorization header is malformed; ${message}`,
      );
    },
  );

  it.each([
    ['AWS4-HMAC-SHA256 nonsense', '400 AuthorizationHeaderMalformed'],
    ['AWS4-HMAC-SHA256 Credential=a/20130524/us-east-1/s3/aws4_request, SignedHeaders=host', 'missing Signature'],
    ['AWS4-HMAC-SHA256 Signature=a, Signature=b', 'Signature must be given once'],
    ['AWS AKIDEXAMPLE:abc', '400 InvalidRequest: The authorization mechanism you have provided is not supported'],
    ['Bearer abc', '400 InvalidArgument: Unsupported Authorization Type'],
  ])('is refused: %j', (authorization, expected) => {
    expect(refusal(withHeaders(get(), { authorization }))).toContain(expected);
  });

  it.each(['x-amz-content-sha256', 'x-amz-date', 'host'])('must sign %s', (name) => {
    const headers = get().headers as Record<string, string>;
    const authorization = (headers.authorization ?? '').replace(
      /SignedHeaders=[^,]+/,
      (list) =>
        `SignedHeaders=${list
          .slice(14)
          .split(';')
          .filter((header) => header !== name)
          .join(';')}`,
    );
    expect(refusal(withHeaders(get(), { authorization }))).toBe(
      '403 AccessDenied: There were headers present in the request which were not signed',
    );
  });

  it('may list its headers in any order', () => {
    const authorization = (signed().authorization ?? '').replace(
      /SignedHeaders=([^,]+)/,
      (_, list: string) => `SignedHeaders=${list.split(';').reverse().join(';')}`,
    );
    expect(authorization).not.toBe(signed().authorization);
    expect(refusal(withHeaders(get(), { authorization }))).toBe('accepted');
  });

  it('must state the payload hash', () => {
    const { 'x-amz-content-sha256': _, ...headers } = signed();
    expect(refusal(get(headers))).toBe(
      '400 InvalidRequest: Missing required header for this request: x-amz-content-sha256',
    );
    expect(refusal(get({ ...headers, 'x-amz-content-sha256': 'abc' }))).toContain('400 InvalidArgument');
  });

  it.each([
    ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD', { kind: 'streaming', signed: true, trailer: false }],
    ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER', { kind: 'streaming', signed: true, trailer: true }],
    ['STREAMING-UNSIGNED-PAYLOAD-TRAILER', { kind: 'streaming', signed: false, trailer: true }],
    [unsignedPayload, { kind: 'unsigned' }],
  ])('returns the binding of %s', (payload, expected) => {
    const headers = createAuthorizedHeaders(
      { method: 'PUT', path: '/user-content/a', query: '', headers: {}, payload },
      'store.test',
      createSigningTimes('us-east-1')(credentials, now),
    );
    expect(verify({ ...get(headers), method: 'PUT' }).payload).toEqual(expected);
  });

  it('is refused together with a signed query, and a request without either is refused', () => {
    const both = withHeaders(put(), { authorization: signed().authorization ?? '' });
    expect(refusal(both)).toContain('400 InvalidArgument: Only one auth mechanism allowed');
    expect(refusal({ ...get(), headers: { host: 'store.test' } })).toBe('403 AccessDenied: Access Denied');
    expect(refusal({ ...get({}), rawQuery: 'AWSAccessKeyId=a&Expires=1&Signature=b' })).toContain('400 InvalidRequest');
  });

  it('is verified over the bytes that were sent: collapsed spaces, Latin-1', () => {
    expect(refusal(get({ ...signed({ 'x-amz-meta-a': 'a b' }), 'x-amz-meta-a': ' a   b ' }))).toBe('accepted');
    const headers = signed({ 'x-amz-meta-a': 'é' });
    // The signer uses UTF-8, and node:http decodes these bytes as Latin-1.
    expect(refusal(get({ ...headers, 'x-amz-meta-a': Buffer.from('é').toString('latin1') }))).toBe('accepted');
    expect(refusal(get(headers))).toBe(mismatch);
  });
});

/** Every key that S3 accepts and that presigning does not refuse. */
const hostileKey = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 60 })
  .filter((key) => !/\p{Cc}|\p{Cs}|\$\{|(^|\/)\.{0,2}(\/|$)/u.test(key));

describe('for any key', () => {
  it('a signed request verifies for every encoding of its path', () => {
    fc.assert(
      fc.property(hostileKey, fc.boolean(), (key, pathStyle) => {
        const request = received(
          storageWith({ pathStyle }).presignPut({ key, size: 1, contentType: 'text/plain', expiresInSeconds: 1 }),
        );
        expect(refusal(request)).toBe('accepted');
        const sloppy = request.rawPath.replaceAll(/%(21|27|28|29|2A|40|3A|2C)/g, decodeURIComponent);
        expect(refusal({ ...request, rawPath: sloppy.replaceAll(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase()) })).toBe(
          'accepted',
        );
      }),
    );
  });

  it('a request that was changed anywhere is refused', () => {
    const base = put({ credentials: temporary });
    const parts = { rawPath: base.rawPath, rawQuery: base.rawQuery };
    const headerNames = Object.keys(base.headers);
    fc.assert(
      fc.property(
        fc.constantFrom<'rawPath' | 'rawQuery' | 'header'>('rawPath', 'rawQuery', 'header'),
        fc.constantFrom(...headerNames),
        fc.nat(),
        fc.integer({ min: 1, max: 127 }),
        (where, name, at, flip) => {
          const original = where === 'header' ? (base.headers[name] ?? '') : parts[where];
          const index = at % original.length;
          const char = String.fromCharCode((original.charCodeAt(index) ^ flip) & 0x7f);
          const changed = original.slice(0, index) + char + original.slice(index + 1);
          const request = where === 'header' ? withHeaders(base, { [name]: changed }) : { ...base, [where]: changed };
          if (meansTheSame(where, original, changed)) return;
          expect(refusal(request)).not.toBe('accepted');
        },
      ),
      { numRuns: 5_000 },
    );
  });
});

/** Ignores the case of escapes, extra spaces and a second `&`, which do not change the meaning. */
function meansTheSame(where: string, original: string, changed: string): boolean {
  if (where === 'header') return original.trim() === changed.trim();
  const normal = (text: string) => text.replaceAll(/%[0-9a-f]{2}/gi, (hex) => hex.toUpperCase());
  return normal(original) === normal(changed);
}
