import { describe, expect, it } from 'vitest';
import { isWaybillError } from '../protocol/index.ts';
import { s3Storage } from './storage.ts';
import type { S3StorageOptions } from './types.ts';

const now = Date.UTC(2026, 10, 23, 12, 0, 0, 500);
const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' };
const storageWith = (options: Partial<S3StorageOptions> = {}) =>
  s3Storage({
    bucket: 'user-content',
    region: 'eu-west-1',
    credentials,
    capabilities: 'devstore',
    now: () => now,
    ...options,
  });

const sha256 = { algorithm: 'sha256', value: 'ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=' } as const;
const md5 = { algorithm: 'md5', value: 'kAFQmDzST7DWlj99KOF/cg==' } as const;
const put = { key: 'a/b.jpg', size: 3, contentType: 'image/jpeg', checksum: sha256, expiresInSeconds: 60 } as const;

function failure(act: () => unknown): string {
  try {
    act();
    return 'none';
  } catch (error) {
    return isWaybillError(error) ? `${error.code}: ${error.message}` : `not ours: ${String(error)}`;
  }
}

const queryOf = (url: string) => new URL(url).searchParams;

describe('presignPut', () => {
  it('signs every constraint as a header and none in the query', () => {
    const { method, url, headers, expiresAt } = storageWith().presignPut({ ...put, metadata: { waybill: 'x' } });
    expect({ method, headers, expiresAt }).toEqual({
      method: 'PUT',
      headers: {
        'content-length': '3',
        'content-type': 'image/jpeg',
        'if-none-match': '*',
        'x-amz-checksum-sha256': sha256.value,
        'x-amz-meta-waybill': 'x',
      },
      expiresAt: '2026-11-23T12:01:00.000Z',
    });
    expect(url.startsWith('https://user-content.s3.eu-west-1.amazonaws.com/a/b.jpg?')).toBe(true);
    expect([...queryOf(url).keys()]).toEqual([
      'X-Amz-Algorithm',
      'X-Amz-Credential',
      'X-Amz-Date',
      'X-Amz-Expires',
      'X-Amz-SignedHeaders',
      'X-Amz-Signature',
    ]);
    expect(queryOf(url).get('X-Amz-SignedHeaders')).toBe(
      'content-length;content-type;host;if-none-match;x-amz-checksum-sha256;x-amz-meta-waybill',
    );
  });

  it('signs Content-MD5 for an MD5 checksum', () => {
    const { url, headers } = storageWith({ capabilities: 'ceph16' }).presignPut({ ...put, checksum: md5 });
    expect(headers['content-md5']).toBe(md5.value);
    expect(queryOf(url).get('X-Amz-SignedHeaders')).toBe(
      'content-length;content-md5;content-type;host;if-none-match;x-amz-acl',
    );
  });

  it('signs metadata sorted by name', () => {
    const { url } = storageWith().presignPut({ ...put, metadata: { b: '1', 'a-b': '2', a: '3', a1: '4' } });
    expect(queryOf(url).get('X-Amz-SignedHeaders')).toContain('x-amz-meta-a;x-amz-meta-a-b;x-amz-meta-a1;x-amz-meta-b');
  });

  it('omits If-None-Match only with `once: false`', () => {
    const { url, headers } = storageWith().presignPut({ ...put, once: false });
    expect(headers).not.toHaveProperty('if-none-match');
    expect(queryOf(url).get('X-Amz-SignedHeaders')).not.toContain('if-none-match');
  });

  it('returns equal requests for equal options within a second', () => {
    const storage = storageWith();
    const first = storage.presignPut(put);
    storage.presignPut({ ...put, key: 'other', expiresInSeconds: 7 });
    expect(storage.presignPut(put)).toEqual(first);
  });

  it.each([
    ['a size below zero', { size: -1 }, 'internal_error: Not signed: size'],
    ['a fraction of a byte', { size: 0.5 }, 'internal_error: Not signed: size'],
    ['not a number', { size: Number.NaN }, 'internal_error: Not signed: size'],
    ['no type', { contentType: '' }, 'internal_error: Not signed: contentType'],
    [
      'a type with a line break',
      { contentType: 'image/png\r\nx-amz-acl: public-read' },
      'internal_error: Not signed: contentType',
    ],
    ['a short checksum', { checksum: { ...sha256, value: 'YWJj' } }, 'internal_error: Not signed: a sha256 checksum'],
    [
      'a checksum with a line break',
      { checksum: { ...sha256, value: `${sha256.value}\n` } },
      'internal_error: Not signed: a sha256 checksum',
    ],
    [
      'an unknown algorithm',
      { checksum: { algorithm: 'constructor', value: 'a' } },
      'config_invalid: This storage does not verify',
    ],
    ['no expiry', { expiresInSeconds: 0 }, 'internal_error: Not signed: expiresInSeconds'],
    ['an expiry over a week', { expiresInSeconds: 604_801 }, 'internal_error: Not signed: expiresInSeconds'],
    ['metadata with a line break', { metadata: { a: 'b\nc' } }, 'internal_error: Not signed: metadata'],
    ['metadata with two spaces', { metadata: { a: 'b  c' } }, 'internal_error: Not signed: metadata'],
    ['metadata that is not ASCII', { metadata: { a: 'é' } }, 'internal_error: Not signed: metadata'],
    ['a metadata name in upper case', { metadata: { A: 'b' } }, 'internal_error: Not signed: metadata names'],
    [
      'metadata over 2 KB',
      { metadata: { a: 'b'.repeat(2048) } },
      'internal_error: Not signed: metadata has more than 2048 bytes',
    ],
  ])('refuses %s', (_what, change, expected) => {
    expect(failure(() => storageWith().presignPut({ ...put, ...change } as never))).toContain(expected);
  });

  it('refuses a constraint that the storage does not enforce', () => {
    const gcs = storageWith({ capabilities: 'gcs' });
    expect(failure(() => gcs.presignPut({ ...put, checksum: md5 }))).toContain(
      'config_invalid: This storage does not honour If-None-Match',
    );
    expect(failure(() => gcs.presignPut({ ...put, once: false }))).toContain(
      'config_invalid: This storage does not verify sha256',
    );
    const ceph = storageWith({ capabilities: 'ceph16' });
    expect(failure(() => ceph.presignForm({ ...put, checksum: md5 }))).toContain('does not verify md5');
    expect(failure(() => ceph.presignForm(put))).toContain('does not verify sha256');
    expect(failure(() => gcs.presignPut({ ...put, once: false, checksum: md5 }))).toBe('none');
    expect(
      failure(() => storageWith({ capabilities: 'b2' }).presignPut({ ...put, once: false, checksum: md5 })),
    ).toContain('md5');
    expect(failure(() => storageWith({ capabilities: 'r2' }).presignForm(put))).toContain(
      'config_invalid: This storage does not support POST forms',
    );
    expect(failure(() => storageWith({ capabilities: 'aws' }).presignForm(put))).toContain(
      'config_invalid: This storage does not verify sha256',
    );
    expect(failure(() => storageWith({ capabilities: 'aws' }).presignForm({ ...put, checksum: md5 }))).toBe('none');
  });
});

describe('keys', () => {
  const bad = [
    ['', 'is empty'],
    ['.', 'has a segment "." or ".."'],
    ['a/../b', 'has a segment "." or ".."'],
    ['../a', 'has a segment "." or ".."'],
    ['a/..', 'has a segment "." or ".."'],
    ['a/./b', 'has a segment "." or ".."'],
    ['/a', 'has an empty segment'],
    ['a//b', 'has an empty segment'],
    ['a/', 'has an empty segment'],
    ['a\u0000b', 'has a control character'],
    ['a\nb', 'has a control character'],
    ['a\u0085b', 'has a control character'],
    ['a/$' + '{filename}', 'contains "${"'],
    ['a\ud800b', 'is not valid Unicode'],
    ['a'.repeat(1025), 'has more than 1024 UTF-8 bytes'],
    ['é'.repeat(513), 'has more than 1024 UTF-8 bytes'],
  ] as const;

  it.each(bad)('%j is not a valid key: %s', (key, rule) => {
    const storage = storageWith();
    const expected = `internal_error: This object key ${rule}.`;
    expect(failure(() => storage.presignPut({ ...put, key }))).toBe(expected);
    expect(failure(() => storage.presignForm({ ...put, key }))).toBe(expected);
    expect(failure(() => storage.presignGet({ key, expiresInSeconds: 1 }))).toBe(expected);
    expect(failure(() => storage.presignHead({ key, expiresInSeconds: 1 }))).toBe(expected);
  });

  it.each(['...', 'a..b', '.a', 'a.', 'a/...', '%2e%2e/a', 'a\\..\\b', 'a$b', '{a}', 'é'.repeat(512), 'a?b#c', '~'])(
    '%j is a valid key',
    (key) => {
      expect(failure(() => storageWith().presignPut({ ...put, key }))).toBe('none');
    },
  );

  it('are sent to the path that was signed', () => {
    for (const key of ['a b+c/ü%2F?#&=;\'"()*!', '%2e%2e/a', 'a\\b'])
      expect(decodeURIComponent(new URL(storageWith().presignPut({ ...put, key }).url).pathname)).toBe(`/${key}`);
  });
});

describe('the URL of a presigned request', () => {
  it.each<[Partial<S3StorageOptions>, string]>([
    [{}, 'https://user-content.s3.eu-west-1.amazonaws.com/k?'],
    [{ region: 'cn-north-1' }, 'https://user-content.s3.cn-north-1.amazonaws.com.cn/k?'],
    [{ pathStyle: true }, 'https://s3.eu-west-1.amazonaws.com/user-content/k?'],
    [{ bucket: 'user.content' }, 'https://s3.eu-west-1.amazonaws.com/user.content/k?'],
    [{ endpoint: 'http://minio:9000' }, 'http://minio:9000/user-content/k?'],
    [{ endpoint: 'http://minio:9000/' }, 'http://minio:9000/user-content/k?'],
    [{ endpoint: 'https://MINIO.example:443' }, 'https://minio.example/user-content/k?'],
    [{ endpoint: 'http://[::1]:9000' }, 'http://[::1]:9000/user-content/k?'],
    [{ endpoint: 'https://fra1.example.com', pathStyle: false }, 'https://user-content.fra1.example.com/k?'],
    [
      { endpoint: 'http://minio:9000', publicEndpoint: 'https://files.example.com' },
      'https://files.example.com/user-content/k?',
    ],
  ])('with %j', (options, start) => {
    const storage = storageWith(options);
    const { url } = storage.presignPut({ ...put, key: 'k' });
    expect(url.slice(0, url.indexOf('?') + 1)).toBe(start);
    expect(new URL(url).origin).toBe(storage.publicOrigin);
    const form = storage.presignForm(put);
    expect(form.url).toBe(start.replace(/\/k\?$/, '') + (start.includes(`/${storage.bucket}/`) ? '' : '/'));
  });
});

describe('presignGet', () => {
  it('signs the overrides of response headers', () => {
    const { url, headers } = storageWith().presignGet({
      key: 'a',
      expiresInSeconds: 60,
      contentDisposition: `attachment; filename="a b"; filename*=UTF-8''%C3%A9`,
      contentType: 'text/plain',
      cacheControl: 'private, max-age=60',
    });
    expect(headers).toEqual({});
    expect(queryOf(url).get('response-content-disposition')).toBe(
      `attachment; filename="a b"; filename*=UTF-8''%C3%A9`,
    );
    expect(queryOf(url).get('response-content-type')).toBe('text/plain');
    expect(queryOf(url).get('response-cache-control')).toBe('private, max-age=60');
  });

  it('refuses an override with a control character', () => {
    const get = (contentDisposition: string) => () =>
      storageWith().presignGet({ key: 'a', expiresInSeconds: 60, contentDisposition });
    expect(failure(get('inline\r\nset-cookie: a=b'))).toContain('internal_error');
    expect(failure(get('attachment; filename="é"'))).toContain('internal_error');
  });

  it('returns the same URL for the same rounded time', () => {
    const signedAt = now - (now % 300_000);
    const at = (ms: number) => storageWith({ now: () => ms }).presignGet({ key: 'a', expiresInSeconds: 600, signedAt });
    expect(at(now + 60_000)).toEqual(at(now));
    expect(at(now).expiresAt).toBe('2026-11-23T12:10:00.000Z');
  });
});

describe('presignForm', () => {
  it('fixes every field and the length in the policy', () => {
    const {
      method,
      headers,
      fields = {},
      expiresAt,
    } = storageWith().presignForm({ ...put, metadata: { waybill: 'x' } });
    expect({ method, headers, expiresAt }).toEqual({
      method: 'POST',
      headers: {},
      expiresAt: '2026-11-23T12:01:00.000Z',
    });
    expect(Object.keys(fields)).toEqual([
      'key',
      'Content-Type',
      'x-amz-checksum-sha256',
      'x-amz-meta-waybill',
      'x-amz-algorithm',
      'x-amz-credential',
      'x-amz-date',
      'policy',
      'x-amz-signature',
    ]);
    expect(JSON.parse(Buffer.from(fields.policy ?? '', 'base64').toString())).toEqual({
      expiration: '2026-11-23T12:01:00.000Z',
      conditions: [
        { bucket: 'user-content' },
        ['content-length-range', 3, 3],
        { key: 'a/b.jpg' },
        { 'Content-Type': 'image/jpeg' },
        { 'x-amz-checksum-sha256': sha256.value },
        { 'x-amz-meta-waybill': 'x' },
        { 'x-amz-algorithm': 'AWS4-HMAC-SHA256' },
        { 'x-amz-credential': 'AKIDEXAMPLE/20261123/eu-west-1/s3/aws4_request' },
        { 'x-amz-date': '20261123T120000Z' },
      ],
    });
  });

  it('sends an MD5 as the field Content-MD5', () => {
    expect(storageWith().presignForm({ ...put, checksum: md5 }).fields).toMatchObject({ 'Content-MD5': md5.value });
  });
});

describe('temporary credentials', () => {
  const temporary = { ...credentials, sessionToken: 'tok/en', expiration: new Date(now + 30_900) };

  it('are sent in the URL or in a field, and limit the expiry', () => {
    const storage = storageWith({ credentials: temporary });
    const { url, expiresAt } = storage.presignPut(put);
    expect(queryOf(url).get('X-Amz-Security-Token')).toBe('tok/en');
    expect(queryOf(url).get('X-Amz-Expires')).toBe('31');
    expect(Date.parse(expiresAt)).toBeLessThanOrEqual(temporary.expiration.getTime());
    const form = storage.presignForm(put);
    expect(form.fields?.['x-amz-security-token']).toBe('tok/en');
    expect(Date.parse(form.expiresAt)).toBeLessThanOrEqual(temporary.expiration.getTime());
    expect(storage.presignPut({ ...put, expiresInSeconds: 5 }).expiresAt).toBe('2026-11-23T12:00:05.000Z');
  });

  it('sign nothing after they have expired', () => {
    const storage = storageWith({ credentials: { ...temporary, expiration: new Date(now) } });
    expect(failure(() => storage.presignPut(put))).toBe('storage_unavailable: The storage credentials have expired.');
  });
});
