#!/usr/bin/env node
/**
 * Removes every defence once, in a copy of the sources under .cache/, and checks that its attack test then fails on the
 * devstore. `npm run test:defences -- A3 C7` runs only the defences of these attack ids.
 */
import { spawn } from 'node:child_process';
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defences } from '../test/attacks/defences.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { requireNode, root } from './lib/run.mjs';

requireNode();
await ensureInstalled();

const wanted = process.argv.slice(2);
const chosen = defences.filter(({ attack }) => wanted.length === 0 || wanted.some((name) => attack.includes(name)));
const copied = [
  'src',
  'web',
  'test/attacks',
  'test/cli',
  'test/support',
  'package.json',
  'tsconfig.json',
  'vitest.config.ts',
];

const queue = chosen.map((defence, index) => ({ ...defence, index }));
let passed = 0;
const failures = [];
await Promise.all([runQueue(0), runQueue(1)]);
for (const failure of failures) console.error(failure);
console.log(`${passed} passed, ${failures.length} failed`);
process.exitCode = failures.length > 0 || passed === 0 ? 1 : 0;

async function runQueue(number) {
  for (let defence = queue.shift(); defence; defence = queue.shift()) {
    const what = `${defence.attack} without ${defence.file}: ${defence.find.slice(0, 60)}`;
    const outcome = await testWithout(defence, join(root, '.cache', `defences-${number}`));
    if (outcome === 'failed') passed++;
    else failures.push(`${what}\n  ${outcome}`);
    console.log(`${outcome === 'failed' ? 'seen failing' : 'NOT FAILING'}  ${what}`);
  }
}

async function testWithout(defence, directory) {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  for (const path of copied) await cp(join(root, path), join(directory, path), { recursive: true });
  await symlink(join(root, 'node_modules'), join(directory, 'node_modules'));
  try {
    for (const { file, find, replace, all } of [defence, defence.also].filter(Boolean)) {
      const path = join(directory, file);
      const text = await readFile(path, 'utf8');
      if (!text.includes(find)) return `${file} no longer contains this code: update test/attacks/defences.mjs`;
      await writeFile(path, all ? text.replaceAll(find, replace) : text.replace(find, () => replace));
    }
    const { tests, failed, output } = await run(defence, directory);
    if (tests === 0) return `no test matches; the output of vitest: ${output.slice(-400)}`;
    return failed > 0 ? 'failed' : `all ${tests} tests passed without the defence`;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function run({ suite, attack }, directory) {
  const report = join(directory, 'report.json');
  const pattern = attack.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const args = [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--project',
    'attacks',
    `test/attacks/${suite}.test.ts`,
    '-t',
    pattern,
    // Without its defence, a test may wait for what never happens.
    '--testTimeout=60000',
    '--expect.poll.timeout=5000',
  ];
  const env = { ...process.env, CI: '', WAYBILL_CEPH: 'off' };
  const child = spawn(process.execPath, [...args, '--reporter=json', `--outputFile=${report}`], {
    cwd: directory,
    env,
  });
  let output = '';
  child.stdout.on('data', (data) => (output += data));
  child.stderr.on('data', (data) => (output += data));
  return new Promise((done, reject) => {
    child.on('error', reject);
    child.on('close', async () => {
      const { numPassedTests = 0, numFailedTests = 0 } = JSON.parse(await readFile(report, 'utf8').catch(() => '{}'));
      done({ tests: numPassedTests + numFailedTests, failed: numFailedTests, output });
    });
  });
}
