/** Every test file is run by `npm test` or by `npm run test:all`. */
import { expect, it } from 'vitest';
import { cephFiles, isQuick, missingFiles, otherNodeFiles, testFiles } from '../../scripts/lib/plan.mjs';

it('every test file is run by exactly one of the two commands', () => {
  const { quick, rest } = testFiles();
  expect(quick.length).toBeGreaterThan(50);
  expect(rest.length).toBeGreaterThan(10);
  expect(new Set([...quick, ...rest]).size).toBe(quick.length + rest.length);
  expect(quick).toContain('test/arrows/plan.test.ts');
  expect(rest).toContain('test/crash/crash.test.ts');
});

it('the files for the other Node versions are quick, and each module with code for Node has some', () => {
  const files = otherNodeFiles();
  expect(files.filter((file) => !isQuick(file))).toEqual([]);
  const folders = [
    'src/adapters',
    'src/cli',
    'src/client/node',
    'src/devstore',
    'src/ledger',
    'src/protocol',
    'src/s3',
  ];
  for (const folder of [...folders, 'src/server', 'test/cli', 'test/contract'])
    expect([folder, files.some((file) => file.startsWith(`${folder}/`))]).toEqual([folder, true]);
});

it('the files for Ceph are quick, and most files that run on stores are among them', () => {
  const files = cephFiles();
  expect(files.filter((file) => !isQuick(file))).toEqual([]);
  expect(files.length).toBeGreaterThan(12);
  expect(files).toContain('test/contract/storage.test.ts');
});

it('the plan names files that exist', () => {
  expect(missingFiles()).toEqual([]);
});

it('isQuick() is false for a file in a new folder', () => {
  expect(isQuick('test/new/some.test.ts')).toBe(false);
});
