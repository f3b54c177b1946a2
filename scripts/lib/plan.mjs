/**
 * Lists the quick test files. `npm test` runs them on the devstore. `npm run test:all` runs every file on every
 * storage, and the quick suites on the other Node versions. A file that is not listed here is not quick, so that every
 * file runs somewhere.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './run.mjs';

/** Folders whose test files are all quick, except those in `notQuick`. */
const quickFolders = ['src/', 'web/', 'test/arrows/', 'test/support/', 'test/cli/', 'test/contract/', 'test/attacks/'];

/** Quick files of other folders: the main paths in a browser, the documents, and the packed tarball. */
const quickFiles = [
  'test/browser/client-react.test.ts',
  'test/browser/client-transfer.test.ts',
  'test/browser/page-file-picker.test.ts',
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

/** Every test file of the repository in two lists, with `/` between folders. */
export function testFiles() {
  const all = ['src', 'web', 'test'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true })
      .map((file) => `${folder}/${file.replaceAll('\\', '/')}`)
      .filter((file) => /\.test\.tsx?$/.test(file) && !file.includes('node_modules/')),
  );
  return { quick: all.filter(isQuick).sort(), rest: all.filter((file) => !isQuick(file)).sort() };
}

/** Names in the lists above that are not files of the repository. */
export function missingFiles() {
  const { quick, rest } = testFiles();
  const all = new Set([...quick, ...rest]);
  return [...quickFiles, ...notQuick].filter((file) => !all.has(file));
}
