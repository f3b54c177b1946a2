import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPartSize, maxObjectBytes, type PartLimits, partBytes, planParts, s3PartLimits } from './parts.ts';
import { GiB, MiB } from './units.ts';

const sizes = fc.oneof(
  fc.integer({ min: 1, max: 64 * MiB }),
  fc.maxSafeInteger().map((n) => 1 + (Math.abs(n) % maxObjectBytes)),
  fc.constantFrom(1, 5 * MiB - 1, 5 * MiB, 5 * MiB + 1, 5 * GiB, maxObjectBytes),
);
const options = fc.record({
  size: sizes,
  connections: fc.integer({ min: 1, max: 24 }),
  bytesPerSecond: fc.option(fc.double({ min: 1, max: 1e10, noNaN: true }), { nil: undefined }),
});

describe('planParts()', () => {
  it('covers every byte once, within the limits, for every size', () => {
    fc.assert(
      fc.property(options, (given) => {
        const { partSize, partCount } = planParts(given);
        expect(isPartSize(partSize, given.size)).toBe(true);
        expect(partCount).toBe(Math.ceil(given.size / partSize));
        const last = partBytes(given.size, partSize, partCount);
        expect(last).toBeGreaterThan(0);
        expect((partCount - 1) * partSize + last).toBe(given.size);
        expect(partBytes(given.size, partSize, partCount + 1)).toBe(0);
        if (partCount > 1) expect(partBytes(given.size, partSize, 1)).toBe(partSize);
      }),
      { numRuns: 20_000 },
    );
  });

  it('fills every connection in the last round unless the limits prevent it', () => {
    fc.assert(
      fc.property(options, (given) => {
        const { partSize, partCount } = planParts(given);
        const free = partSize > s3PartLimits.minPartBytes && partSize > Math.ceil(given.size / s3PartLimits.maxParts);
        // Rounding can cost at most one byte per part.
        if (free && partSize > partCount) expect(partCount % given.connections).toBe(0);
      }),
      { numRuns: 20_000 },
    );
  });

  it.each([
    [512 * MiB, 6, undefined, 30],
    [512 * MiB, 12, undefined, 36],
    [512 * MiB, 6, 12_500_000, 24],
    [512 * MiB, 6, 100_000, 102],
    [128 * MiB, 6, undefined, 12],
    [40 * MiB, 6, undefined, 8],
    [40 * MiB, 6, 12_500_000, 6],
    [6 * MiB, 6, undefined, 2],
    [1, 6, undefined, 1],
  ])('cuts %d bytes for %d connections at %s B/s into %d parts', (size, connections, bytesPerSecond, parts) => {
    expect(planParts({ size, connections, bytesPerSecond }).partCount).toBe(parts);
  });

  it('throws a RangeError when no plan fits the limits', () => {
    const limits: PartLimits = { minPartBytes: 5, maxPartBytes: 10, maxParts: 3 };
    expect(planParts({ size: 30, limits })).toEqual({ partSize: 10, partCount: 3 });
    expect(() => planParts({ size: 31, limits })).toThrow(RangeError);
    for (const size of [0, -1, 1.5, Number.NaN]) expect(() => planParts({ size })).toThrow(RangeError);
  });
});

it('partBytes() is 0 for a part outside the plan', () => {
  for (const partNumber of [0, -1, 1.5, Number.NaN, 4]) expect(partBytes(25, 10, partNumber)).toBe(0);
  expect([1, 2, 3].map((partNumber) => partBytes(25, 10, partNumber))).toEqual([10, 10, 5]);
});
