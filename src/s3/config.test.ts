import { expect, it } from 'vitest';
import { capabilityPresets } from './capabilities.ts';
import { s3Storage } from './storage.ts';
import type { CapabilityPreset, S3StorageOptions } from './types.ts';

const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };

it.each<[string, object, string]>([
  ['an unknown option', { buckt: 'a' }, 'unknown option `buckt`'],
  ['no bucket', { bucket: undefined }, '`bucket`'],
  ['a bucket with a slash', { bucket: 'user/content' }, '`bucket`'],
  ['a bucket with dots in a row', { bucket: 'user..content' }, '`bucket`'],
  ['a bucket that is not a host name', { bucket: 'User_content', pathStyle: false }, 'pathStyle: true'],
  ['a region that is a host', { region: 'evil.com/' }, '`region`'],
  ['no credentials', { credentials: undefined }, '`credentials`'],
  ['empty credentials', { credentials: { accessKeyId: '', secretAccessKey: 'b' } }, 'Credentials need'],
  ['a pasted line break', { credentials: { accessKeyId: 'a', secretAccessKey: 'b\n' } }, 'Credentials need'],
  ['an invalid expiration', { credentials: { ...credentials, expiration: new Date('x') } }, 'Credentials need'],
  ['an endpoint without a scheme', { endpoint: 'minio:9000' }, 'An endpoint must be a URL'],
  ['an endpoint with a path', { endpoint: 'http://minio/s3' }, 'An endpoint must not have a path'],
  ['an endpoint with a query', { endpoint: 'http://minio/?a' }, 'An endpoint must not have a path'],
  ['an endpoint with a user', { endpoint: 'http://a:b@minio' }, 'An endpoint must not have a path'],
  ['a public endpoint with a path', { publicEndpoint: 'https://cdn/s3' }, 'An endpoint must not have a path'],
  ['host names below an IP address', { endpoint: 'http://127.0.0.1:9000', pathStyle: false }, 'pathStyle: true'],
  ['a timeout of zero', { timeoutMs: 0 }, '`timeoutMs`'],
  ['a fraction of a retry', { retries: 0.5 }, '`retries`'],
  ['a clock that is not a function', { now: 5 }, '`now`'],
  ['unknown capabilities', { capabilities: 'constructor' }, 'Unknown capabilities'],
  ['an unknown capability', { capabilities: { onse: true } }, 'capabilities.onse'],
  ['a capability of the wrong type', { capabilities: { once: 'yes' } }, 'capabilities.once'],
  ['an unknown checksum', { capabilities: { checksums: ['md5'] } }, 'capabilities.checksums'],
])('s3Storage() refuses %s', (_what, options, message) => {
  const start = () => s3Storage({ bucket: 'user-content', credentials, ...options } as never);
  expect(start).toThrow(expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(message) }));
});

it('capabilities are a preset, or corrections to the preset of AWS', () => {
  const of = (capabilities?: S3StorageOptions['capabilities']) =>
    s3Storage({ bucket: 'user-content', credentials, ...(capabilities ? { capabilities } : {}) }).capabilities;
  expect(of()).toEqual(capabilityPresets.aws);
  for (const [name, preset] of Object.entries(capabilityPresets)) expect(of(name as CapabilityPreset)).toEqual(preset);
  expect(of({ once: false })).toEqual({ ...capabilityPresets.aws, once: false });
  expect(capabilityPresets.r2).toMatchObject({ postPolicy: false, equalParts: true, tagging: false });
  expect(capabilityPresets.ceph16).toMatchObject({
    checksums: [],
    contentMd5: true,
    copyPrecondition: false,
    refusesUnsignedHeaders: false,
  });
  expect(capabilityPresets.gcs.once).toBe(false);
  expect(capabilityPresets.b2.once).toBe(false);
});

it('the resolved options are frozen', () => {
  const given = { ...credentials };
  const storage = s3Storage({ bucket: 'user-content', credentials: given });
  const before = storage.presignGet({ key: 'a', expiresInSeconds: 1, signedAt: 0 }).url;
  given.secretAccessKey = 'other';
  // A request for another time in between replaces the cached signing time.
  storage.presignGet({ key: 'a', expiresInSeconds: 1, signedAt: 86_400_000 });
  expect(storage.presignGet({ key: 'a', expiresInSeconds: 1, signedAt: 0 }).url).toBe(before);
  expect(Object.isFrozen(storage)).toBe(true);
  expect(Object.isFrozen(storage.capabilities)).toBe(true);
});
