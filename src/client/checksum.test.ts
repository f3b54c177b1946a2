import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { checksumOf } from './checksum.ts';
import type { Source } from './types.ts';

const { signal } = new AbortController();

afterEach(() => {
  vi.unstubAllGlobals();
});

/** A source of `size` bytes that are not in memory, and the largest range that was read. */
function endless(size: number) {
  const seen = { largest: 0 };
  const source: Source = {
    size,
    fileName: 'a',
    read: async (start, end) => {
      seen.largest = Math.max(seen.largest, end - start);
      return new Uint8Array(end - start).fill(7);
    },
  };
  return { source, seen };
}

const expected = (algorithm: string, size: number) =>
  createHash(algorithm).update(Buffer.alloc(size, 7)).digest('base64');

describe('checksumOf()', () => {
  it('hashes with WebCrypto in one call', async () => {
    const { source, seen } = endless(3_000_000);
    expect(await checksumOf(source, 'sha256', signal)).toBe(expected('sha256', 3_000_000));
    expect(seen.largest).toBe(3_000_000);
  });

  it('hashes in pieces on pages without crypto.subtle', async () => {
    vi.stubGlobal('crypto', {});
    const { source, seen } = endless(3_000_000);
    expect(await checksumOf(source, 'sha256', signal)).toBe(expected('sha256', 3_000_000));
    expect(seen.largest).toBe(1024 * 1024);
  });

  it('hashes sources over 64 MiB in pieces, in constant memory', async () => {
    const size = 64 * 1024 * 1024 + 1;
    const { source, seen } = endless(size);
    expect(await checksumOf(source, 'sha256', signal)).toBe(expected('sha256', size));
    expect(seen.largest).toBe(1024 * 1024);
  });

  it('computes MD5 for storages that require it', async () => {
    const { source } = endless(1000);
    expect(await checksumOf(source, 'md5', signal)).toBe(expected('md5', 1000));
  });

  it('uses the checksum of the platform where there is one', async () => {
    const { source, seen } = endless(1000);
    expect(await checksumOf({ ...source, checksum: async () => 'native' }, 'sha256', signal)).toBe('native');
    expect(seen.largest).toBe(0);
  });

  it.each([
    ['source_unreadable', async () => Promise.reject(new DOMException('gone', 'NotReadableError'))],
    ['source_changed', async () => new Uint8Array(3)],
  ])('fails with %s', async (code, read) => {
    const { source } = endless(4);
    await expect(checksumOf({ ...source, read }, 'sha256', signal)).rejects.toMatchObject({ code });
    await expect(checksumOf({ ...source, read }, 'md5', signal)).rejects.toMatchObject({ code });
  });

  it('fails for an unknown algorithm', async () => {
    await expect(checksumOf(endless(1).source, 'crc64nvme', signal)).rejects.toMatchObject({ code: 'internal_error' });
  });
});
