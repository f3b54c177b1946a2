/** Every test file is run by `npm test` or by `npm run test:all`. */
import { expect, it } from 'vitest';
import { isQuick, missingFiles, testFiles } from '../../scripts/lib/plan.mjs';

it('every test file is run by exactly one of the two commands', () => {
  const { quick, rest } = testFiles();
  expect(quick.length).toBeGreaterThan(50);
  expect(rest.length).toBeGreaterThan(10);
  expect(new Set([...quick, ...rest]).size).toBe(quick.length + rest.length);
  expect(quick).toContain('test/arrows/plan.test.ts');
  expect(rest).toContain('test/crash/crash.test.ts');
});

it('the plan names files that exist', () => {
  expect(missingFiles()).toEqual([]);
});

it('isQuick() is false for a file in a new folder', () => {
  expect(isQuick('test/new/some.test.ts')).toBe(false);
});
