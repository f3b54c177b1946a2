/**
 * Which test files are quick. `npm test` runs those, on the devstore; `npm run test:all` runs every file, on every store, and the
 * quick suites on the other Node versions. A file that is named nowhere below is not quick, so that none can be forgotten.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './run.mjs';

/** Folders of quick suites: unit tests beside their sources, and the suites on the devstore and on both databases. */
const quickFolders = ['src/', 'web/', 'test/arrows/', 'test/support/', 'test/cli/', 'test/contract/', 'test/attacks/'];

/** The main paths in a browser, and what others get from the registry. */
const quickFiles = [
  'test/browser/client-react.test.ts',
  'test/browser/client-transfer.test.ts',
  'test/browser/page-accessible.test.ts',
  'test/browser/page-ways-in.test.ts',
  'test/docs/attack-ids.test.ts',
  'test/docs/links.test.ts',
  'test/docs/reference.test.ts',
  'test/docs/words.test.ts',
  'test/package/consumer.test.ts',
  'test/package/one-bundle.test.ts',
  'test/package/tarball.test.ts',
];

/** Files that are too long for every run, or that need Ceph. */
const notQuick = [
  // Each stops a process at every request and at every statement, which takes minutes.
  'test/contract/ledger-crash.test.ts',
  'test/contract/parts-crash.test.ts',
  'test/contract/sweep-crash.test.ts',
  // A million rows in each database.
  'test/contract/ledger-plans.test.ts',
  // Bucket policies: the devstore has none.
  'test/attacks/c-acl-policy.test.ts',
  'test/attacks/c-permissions.test.ts',
  'test/contract/permissions.test.ts',
];

export function isQuick(file) {
  if (notQuick.includes(file)) return false;
  return quickFiles.includes(file) || quickFolders.some((folder) => file.startsWith(folder));
}

/** Every test file of the repository, with `/` between folders, in two lists. */
export function testFiles() {
  const all = ['src', 'web', 'test'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true })
      .map((file) => `${folder}/${file.replaceAll('\\', '/')}`)
      .filter((file) => /\.test\.tsx?$/.test(file) && !file.includes('node_modules/')),
  );
  return { quick: all.filter(isQuick).sort(), rest: all.filter((file) => !isQuick(file)).sort() };
}

/** Names that are in the lists above and not in the repository. */
export function missingFiles() {
  const { quick, rest } = testFiles();
  const all = new Set([...quick, ...rest]);
  return [...quickFiles, ...notQuick].filter((file) => !all.has(file));
}
