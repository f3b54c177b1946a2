/** The checks that are not test suites. Each counts as one in the tally. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { npm, timed, tool } from './run.mjs';
import { checkWords } from './words.mjs';

export async function lintAndTypes(tally) {
  await check(tally, 'biome', () => tool('@biomejs/biome/bin/biome', ['check', '--error-on-warnings', '.']));
  await check(tally, 'the list of words', checkWords);
  await check(tally, 'tsc', () => tool('typescript/bin/tsc', ['--noEmit', '-p', 'tsconfig.json']));
  await check(tally, 'knip', () => tool('knip/bin/knip.js', []));
}

/** Checks the tarball of `npm pack` with two tools. The suite test/package installs it. */
export async function checkPackage(tally) {
  const dir = mkdtempSync(join(tmpdir(), 'waybill-pack-'));
  try {
    const packed = await npm(['pack', '--silent', '--pack-destination', dir]);
    const [tarball] = readdirSync(dir).map((file) => join(dir, file));
    if (!tally.check('npm pack', packed === 0 && tarball !== undefined)) return;
    await check(tally, 'publint', () => tool('publint/src/cli.js', ['run', tarball, '--strict']));
    await check(tally, 'attw', () => tool('@arethetypeswrong/cli/dist/index.js', [tarball, '--profile', 'esm-only']));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function check(tally, name, work) {
  return tally.check(name, (await timed(`Checking with ${name}`, work)) === 0);
}
