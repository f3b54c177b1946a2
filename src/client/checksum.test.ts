import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { checksumOf } from './checksum.ts';
import type { Source } from './types.ts';

const { signal } = new AbortController();

afterEach(() => {
  vi.unstubAllGlobals();
});

/** `size` bytes that nobody holds, and the largest range that was asked for. */
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

describe('checksums', () => {
  it('are made by WebCrypto in one go', async () => {
    const { source, seen } = endless(3_000_000);
    expect(await checksumOf(source, 'sha256', signal)).toBe(expected('sha256', 3_000_000));
    expect(seen.largest).toBe(3_000_000);
  });

  it('are made in pieces on pages without crypto.subtle', async () => {
    vi.stubGlobal('crypto', {});
    const { source, seen } = endless(3_000_000);
    expect(await checksumOf(source, 'sha256', signal)).toBe(expected('sha256', 3_000_000));
    expect(seen.largest).toBe(1024 * 1024);
  });

  it('are made in pieces over 64 MiB, so that memory stays flat', async () => {
    const size = 64 * 1024 * 1024 + 1;
    const { source, seen } = endless(size);
    expect(await checksumOf(source, 'sha256', signal)).toBe(expected('sha256', size));
    expect(seen.largest).toBe(1024 * 1024);
  });

  it('are MD5 where the storage wants it', async () => {
    const { source } = endless(1000);
    expect(await checksumOf(source, 'md5', signal)).toBe(expected('md5', 1000));
  });

  it('are the platform’s where it has a faster way', async () => {
    const { source, seen } = endless(1000);
    expect(await checksumOf({ ...source, checksum: async () => 'native' }, 'sha256', signal)).toBe('native');
    expect(seen.largest).toBe(0);
  });

  it.each([
    ['source_unreadable', async () => Promise.reject(new DOMException('gone', 'NotReadableError'))],
    ['source_changed', async () => new Uint8Array(3)],
  ])('say %s', async (code, read) => {
    const { source } = endless(4);
    await expect(checksumOf({ ...source, read }, 'sha256', signal)).rejects.toMatchObject({ code });
    await expect(checksumOf({ ...source, read }, 'md5', signal)).rejects.toMatchObject({ code });
  });

  it('are refused for algorithms that nobody here knows', async () => {
    await expect(checksumOf(endless(1).source, 'crc64nvme', signal)).rejects.toMatchObject({ code: 'internal_error' });
  });
});
