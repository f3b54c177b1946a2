/** What `npm test` leaves out is run by `npm run test:all`: no test file may fall between the two. */
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

it('the lists name files that exist', () => {
  expect(missingFiles()).toEqual([]);
});

it('a file in a new folder is not quick', () => {
  expect(isQuick('test/new/some.test.ts')).toBe(false);
});
