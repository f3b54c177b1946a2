/** `uploads.check()` tests a storage by attempts and leaves nothing behind. */
import { expect, it } from 'vitest';
import { type S3StorageOptions, type StorageFinding, s3Storage } from '../../src/s3/index.ts';
import { createUploads, route } from '../../src/server/index.ts';
import { forEachStore } from '../support/stores.ts';
import { startWriteIds } from '../support/write-ids.ts';

forEachStore('check()', (store) => {
  async function check(options: Partial<S3StorageOptions> = {}) {
    const integrity = options.capabilities === 'b2' ? 'size-only' : 'checksum';
    const files = route({ limits: { maxBytes: 1000 }, authorize: () => ({ ownerId: 'anna' }), integrity });
    const uploads = createUploads({
      storage: store.storage(options),
      secret: 'a secret of at least thirty-two characters',
      routes: { files },
    });
    return uploads.check();
  }
  const codes = (findings: readonly StorageFinding[]) => findings.map(({ code }) => code);

  it('check() finds nothing on a storage that is set up correctly, and leaves nothing behind', async () => {
    expect(await check()).toEqual({ ok: true, findings: [] });
    const storage = store.storage();
    expect((await storage.list({ prefix: 'incoming/' })).objects).toEqual([]);
    expect((await storage.listMultiparts({ prefix: 'incoming/' })).uploads).toEqual([]);
  });

  it('check() names each claimed capability that the storage lacks, and the preset that fits', async () => {
    const { ok, findings } = await check({ capabilities: 'aws' });
    if (store.name !== 'ceph') return expect(findings).toEqual([]);
    expect(ok).toBe(false);
    const named = findings.map(({ message }) => /capabilities\.(\w+)/.exec(message)?.[1]).sort();
    expect(named).toEqual(['checksums', 'copyOnce', 'copyPrecondition', 'multipart']);
    for (const { fix } of findings) expect(fix).toContain("capabilities: 'ceph16'");
  });

  it.each<[string, Partial<S3StorageOptions>, RegExp, RegExp]>([
    ['bucket', { bucket: 'no-such-bucket-here' }, /NoSuchBucket/, /`bucket`/],
    ['host', { endpoint: 'http://no-such-host.invalid' }, /ENOTFOUND/, /`endpoint`/],
    ['port', { endpoint: 'http://127.0.0.1:9' }, /ECONNREFUSED/, /`endpoint`/],
  ])('check() names the option to change for a wrong %s', async (_, options, code, fix) => {
    const began = performance.now();
    const { ok, findings } = await check({ retries: 3, ...options });
    // The pauses between retries take seconds. A busy machine, or a slow name server, does too.
    expect(performance.now() - began).toBeLessThan(30_000);
    expect([ok, findings.length]).toEqual([false, 1]);
    expect(findings[0]?.code).toMatch(code);
    expect(findings[0]?.fix).toMatch(fix);
    expect(findings[0]?.message).not.toBe('');
  });

  it('check() reports wrong credentials', async () => {
    const credentials = { ...store.credentials, secretAccessKey: 'not-the-secret-access-key' };
    expect(codes((await check({ credentials })).findings)).toEqual(['SignatureDoesNotMatch']);
  });

  it('check() reports a wrong clock, although signing corrects it', async () => {
    const { ok, findings } = await check({ now: () => Date.now() - 40 * 60_000 });
    expect([ok, codes(findings)]).toEqual([true, ['clock_wrong']]);
    expect(findings[0]?.message).toContain('40 minutes behind');
  });

  it('check() detects ids of writes', async () => {
    expect(codes((await check({ capabilities: 'b2' })).findings)).toEqual(['capability_missing']);
    const proxy = await startWriteIds(store.endpoint);
    expect(await check({ capabilities: 'b2', endpoint: proxy.endpoint })).toEqual({ ok: true, findings: [] });
    await proxy.close();
  });

  it('check() ends after timeoutMs', async () => {
    const storage = store.storage({ fetch: () => new Promise<never>(() => {}) });
    const { findings } = await storage.check({ prefix: 'incoming/', timeoutMs: 20 });
    expect(codes(findings)).toEqual(['timeout']);
  });
});

it('s3Storage() requires capabilities for an endpoint outside of AWS, and the error names the presets', () => {
  const options = { bucket: 'files', credentials: { accessKeyId: 'key', secretAccessKey: 'secret' } };
  expect(() => s3Storage({ ...options, endpoint: 'http://minio:9000' })).toThrow(/'ceph16'.*'minio'/);
  expect(s3Storage(options).capabilities.once).toBe(true);
  expect(s3Storage({ ...options, endpoint: 'https://s3.eu-west-1.amazonaws.com' }).capabilities.once).toBe(true);
  expect(s3Storage({ ...options, endpoint: 'http://minio:9000', capabilities: 'minio' }).capabilities.copyOnce).toBe(
    false,
  );
});
