import fc from 'fast-check';
import { expect, it } from 'vitest';
import { redact } from './redact.ts';
import { s3Storage } from './storage.ts';

const signature = 'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404';

it.each([
  ['PUT https://b.s3.amazonaws.com/a?X-Amz-Signature=abc failed', 'PUT https://b.s3.amazonaws.com/a?[redacted] failed'],
  ['X-Amz-Signature=abc&x=y', 'X-Amz-Signature=[redacted]&x=y'],
  ['{"x-amz-signature":"abc","x":"y"}', '{"x-amz-signature":"[redacted]","x":"y"}'],
  ['X-Amz-Credential=AKID%2F2026', 'X-Amz-Credential=[redacted]'],
  ['x-amz-security-token: abc/def==', 'x-amz-security-token: [redacted]'],
  ['authorization: Bearer abc', 'authorization: [redacted]'],
  ['Cookie: a=b; c=d', 'Cookie: [redacted]'],
  [
    'AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=abc',
    'AWS4-HMAC-SHA256 Credential=[redacted], SignedHeaders=host, Signature=[redacted]',
  ],
  ['http://user:pass@host/a', 'http://[redacted]@host/a'],
  ['secretAccessKey: abc', 'secretAccessKey: [redacted]'],
  ['http://user:p@ss@host/a', 'http://[redacted]@host/a'],
  ['http://host/http://user:pass@inner/a', 'http://host/http://[redacted]@inner/a'],
  ['xhttps://host/a?sig=1 and #b', 'xhttps://host/a?[redacted] and #b'],
  ['http://host/a#b?c=1', 'http://host/a#b?[redacted]'],
  [`grant ${'a'.repeat(64)} is bad`, 'grant [redacted] is bad'],
  [
    'nothing to hide: key avatars/u1/8f14e45f-ceea-467f-a0e6-4f1b1f9f6b4c.jpg?',
    'nothing to hide: key avatars/u1/8f14e45f-ceea-467f-a0e6-4f1b1f9f6b4c.jpg?',
  ],
])('redact(%j) removes secrets', (text, expected) => {
  expect(redact(text)).toBe(expected);
  expect(redact(redact(text))).toBe(expected);
});

it('redact() leaves no signature of any presigned request', () => {
  const storage = s3Storage({
    bucket: 'user-content',
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret', sessionToken: 'tokentoken' },
  });
  const { url } = storage.presignGet({ key: 'a', expiresInSeconds: 60 });
  const found = new URL(url).searchParams.get('X-Amz-Signature') ?? signature;
  fc.assert(
    fc.property(fc.string(), fc.string(), (before, after) => {
      const clean = redact(`${before} ${url} ${after}`);
      expect(clean).not.toContain(found);
      expect(clean).not.toContain('tokentoken');
      expect(clean).not.toContain('AKIDEXAMPLE');
    }),
  );
});

it('redact() cuts a long text, and never through a secret', () => {
  const long = 'word '.repeat(2000);
  expect(redact(long)).toBe(`${long.slice(0, 8190)}[cut]`);
  expect(redact('x'.repeat(100_000))).toBe('[cut]');
  const secret = `https://b.example/a?X-Amz-Signature=${signature}`;
  for (let before = 8192 - secret.length - 2; before <= 8194; before += 1) {
    const clean = redact(`${'x '.repeat(before / 2)}${'y'.repeat(before % 2)} ${secret}`);
    expect(clean.length).toBeLessThanOrEqual(8192 + '[cut]'.length);
    for (let length = 8; length <= 64; length += 8) expect(clean).not.toContain(signature.slice(0, length));
  }
});
