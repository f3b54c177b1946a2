import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isWaybillError, MiB } from '../../protocol/index.ts';
import type { PartInfo } from '../../s3/index.ts';
import type { ResolvedRoute } from '../config.ts';
import { checkParts } from './check-parts.ts';

const partSize = 5 * MiB;
const sha256 = (text: string) => createHash('sha256').update(text).digest();
const limits = { minBytes: 1, maxBytes: 20 * MiB, maxFiles: 1 };

function routeOf(checksum: ResolvedRoute['checksum']) {
  return { checksum, limits } as ResolvedRoute;
}

function claimsOf(size: number | null) {
  return { size, partSize } as Parameters<typeof checkParts>[1];
}

function part(partNumber: number, size = partSize, more: Partial<PartInfo> = {}): PartInfo {
  const checksums = { sha256: sha256(`part ${partNumber}`).toString('base64') };
  return { partNumber, size, etag: `"${'0'.repeat(31)}${partNumber}"`, checksums, ...more };
}

function outcome(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    if (!isWaybillError(error)) return error;
    const { hint: _, ...details } = error.details ?? {};
    return [error.code, Object.keys(details).length === 0 ? undefined : details];
  }
}

describe('checkParts()', () => {
  const size = 2 * partSize + 7;
  const listed = [part(1), part(2), part(3, 7)];

  it('accepts the parts in any order, and computes the composite checksum as S3 does', () => {
    const { parts, checksum } = checkParts(routeOf('sha256'), claimsOf(size), [...listed].reverse(), {});
    expect(parts).toEqual(listed);
    const value = createHash('sha256')
      .update(Buffer.concat([1, 2, 3].map((n) => sha256(`part ${n}`))))
      .digest('base64');
    expect(checksum).toEqual({ algorithm: 'sha256', value, parts: 3 });
  });

  it('computes a composite MD5 from the ETags of the parts', () => {
    const { checksum, parts } = checkParts(routeOf('md5'), claimsOf(size), listed, {});
    const digests = Buffer.concat(listed.map(({ etag }) => Buffer.from(etag.slice(1, -1), 'hex')));
    expect(checksum?.value).toBe(createHash('md5').update(digests).digest('base64'));
    // The storage gets back what the route is bound by, and nothing that it listed besides.
    expect(parts.map(({ checksums }) => checksums)).toEqual([{}, {}, {}]);
  });

  it.each<[string, PartInfo[], unknown]>([
    ['none', [], ['object_not_ready', { missing: [1, 2, 3] }]],
    ['one missing', [part(1), part(3, 7)], ['object_not_ready', { missing: [2] }]],
    ['one too many', [...listed, part(4, 1)], ['part_invalid', { partNumber: 4, size: 1, planned: 0 }]],
    ['a short one', [part(1), part(2, 5), part(3, 7)], ['part_invalid', { partNumber: 2, size: 5, planned: partSize }]],
    [
      'one without its checksum',
      [part(1), part(2, partSize, { checksums: {} }), part(3, 7)],
      ['part_invalid', { partNumber: 2 }],
    ],
    [
      'one with a short checksum',
      [part(1), part(2, partSize, { checksums: { sha256: 'AAAA' } }), part(3, 7)],
      ['part_invalid', { partNumber: 2 }],
    ],
  ])('refuses parts: %s', (_, parts, expected) => {
    expect(outcome(() => checkParts(routeOf('sha256'), claimsOf(size), parts, {}))).toEqual(expected);
  });

  it.each<[string, number | undefined, PartInfo[], unknown]>([
    ['no size', undefined, listed, 'invalid_request'],
    ['more than the route takes', 20 * MiB + 1, listed, 'file_too_large'],
    ['less than the route takes', 0, [part(1, 0)], 'file_too_small'],
    ['less than arrived', size - 1, listed, 'size_mismatch'],
    ['whole parts less than arrived', partSize, listed, 'size_mismatch'],
    ['more than arrived', size + partSize, listed, 'part_invalid'],
    ['a part that never came', 3 * partSize, [part(1), part(2)], 'object_not_ready'],
  ])('refuses the parts of a stream with %s', (_, said, parts, code) => {
    const result = outcome(() =>
      checkParts(routeOf('sha256'), claimsOf(null), parts, said === undefined ? {} : { size: said }),
    );
    expect((result as unknown[])[0]).toBe(code);
  });

  it('compares the parts with what the client reports', () => {
    const route = routeOf('sha256');
    const { checksum } = checkParts(route, claimsOf(size), listed, { size });
    if (!checksum) return expect.unreachable();
    const said = (value: string) =>
      outcome(() => checkParts(route, claimsOf(size), listed, { checksum: { algorithm: 'sha256', value } }));
    expect(said(checksum.value)).toMatchObject({ size });
    expect(said(sha256('other').toString('base64'))).toEqual(['checksum_mismatch', undefined]);
    expect(outcome(() => checkParts(route, claimsOf(size), listed, { size: size + 1 }))).toEqual([
      'size_mismatch',
      { declared: size, stored: size + 1 },
    ]);
    const bare = outcome(() => checkParts(routeOf(null), claimsOf(size), listed, { checksum }));
    expect(bare).toEqual(['invalid_request', { issues: [{ path: 'checksum', message: expect.any(String) }] }]);
  });

  it('names at most a thousand missing parts', () => {
    const huge = { ...claimsOf(10_000 * partSize) };
    const result = outcome(() => checkParts(routeOf('sha256'), huge, [], {})) as [string, { missing: number[] }];
    expect([result[0], result[1].missing.length, result[1].missing[999]]).toEqual(['object_not_ready', 1000, 1000]);
  });
});
