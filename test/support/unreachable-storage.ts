import { type S3StorageOptions, s3Storage } from '../../src/s3/index.ts';

/**
 * A storage for tests that only sign. Every request fails at once and without a DNS query, so that no test depends on
 * the network.
 */
export function unreachableStorage(options: Partial<S3StorageOptions> = {}) {
  return s3Storage({
    bucket: 'bucket',
    endpoint: 'http://storage.test',
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
    capabilities: 'devstore',
    fetch: () => Promise.reject(new Error('This storage answers no request.')),
    ...options,
  });
}
