import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createProgress } from './progress.ts';

it('createProgress() gives 0 until it has measured long enough', () => {
  const progress = createProgress();
  expect(progress(0)).toBe(0);
  progress(0, 0);
  expect(progress(499)).toBe(0);
  progress(499, 1000);
  expect(progress(1000)).toBe(1000);
});

it('createProgress() ignores samples that are older than five seconds', () => {
  const progress = createProgress();
  // Ten seconds at 100 bytes a second, then six at 1,000.
  for (let t = 0; t <= 10_000; t += 100) progress(t, t / 10);
  expect(progress(10_000)).toBeCloseTo(100);
  for (let t = 100; t <= 6000; t += 100) progress(10_000 + t, 1000 + t);
  expect(progress(16_000)).toBeCloseTo(1000);
});

it('createProgress() gives a lower speed when no more bytes are sent', () => {
  const progress = createProgress();
  for (let t = 0; t <= 1000; t += 100) progress(t, t);
  expect(progress(1000)).toBeCloseTo(1000);
  expect(progress(2000)).toBeCloseTo(500);
  expect(progress(20_000)).toBe(0);
});

it('createProgress() starts again when fewer bytes are reported', () => {
  const progress = createProgress();
  for (let t = 0; t <= 2000; t += 100) progress(t, t * 10);
  progress(2100, 0);
  expect(progress(2100)).toBe(0);
  progress(3100, 500);
  expect(progress(3100)).toBeCloseTo(500);
});

it('createProgress() never gives a speed that is negative, infinite or above the fastest sample', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ ms: fc.integer({ min: 50, max: 3000 }), bytes: fc.integer({ min: -1, max: 1e6 }) })),
      (steps) => {
        const progress = createProgress();
        let now = 0;
        let loaded = 0;
        let fastest = 0;
        progress(0, 0);
        for (const { ms, bytes } of steps) {
          now += ms;
          loaded = bytes < 0 ? 0 : loaded + bytes;
          fastest = Math.max(fastest, (bytes / ms) * 1000);
          const speed = progress(now, loaded);
          expect(Number.isFinite(speed) && speed >= 0).toBe(true);
          expect(speed).toBeLessThanOrEqual(fastest + 1e-6);
        }
      },
    ),
  );
});
