/**
 * Lists the quick test files. `npm test` runs them on the devstore. `npm run test:all` runs every file on every
 * storage, and the quick suites on the other Node versions. A file that is not listed here is not quick, so that every
 * file runs somewhere.
 */
import { readdirSync, readFileSync } from 'node:fs';
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
  'test/docs/site.test.ts',
  'test/docs/support-table.test.ts',
  'test/docs/words.test.ts',
  'test/package/consumer.test.ts',
  'test/package/one-bundle.test.ts',
  'test/package/tarball.test.ts',
];

/** Files that are too long for every run, or that need Ceph or MariaDB. */
const notQuick = [
  // Each stops a process at every request and at every statement, which takes minutes.
  'test/contract/callbacks-crash.test.ts',
  'test/contract/files-crash.test.ts',
  'test/contract/ledger-crash.test.ts',
  'test/contract/parts-crash.test.ts',
  'test/contract/sweep-crash.test.ts',
  // A million rows in each database.
  'test/contract/ledger-plans.test.ts',
  // Needs MariaDB.
  'test/contract/ledger-mysql.test.ts',
  // Bucket policies: the devstore has none.
  'test/attacks/c-acl-policy.test.ts',
  'test/attacks/c-permissions.test.ts',
  'test/contract/permissions.test.ts',
];

/** Files that CI leaves out, because they install large libraries. `npm run test:all` runs them. */
const notInCi = ['test/package/integrations.test.ts'];

/** What another Node version could break: the code that uses Node's own modules, and what that code is built from. */
const nodeFolders = [
  'src/adapters/',
  'src/cli/',
  'src/client/node/',
  'src/devstore/',
  'src/ledger/',
  'src/protocol/',
  'src/s3/',
  'src/server/',
];

/** Of the other suites, one or two files for each part of Node that Waybill uses. */
const nodeFiles = [
  // Digests, worker threads, streams and requests of the client.
  'src/client/checksum.test.ts',
  'src/client/hash/hash.test.ts',
  'src/client/upload.test.ts',
  // Processes: every command except `sweep`, and what configurations may be written in.
  'test/cli/commands.test.ts',
  'test/cli/config-types.test.ts',
  'test/cli/webhooks.test.ts',
  'test/contract/serve-replicas.test.ts',
  // HTTP servers, frameworks, sockets, files and both databases.
  'test/contract/adapters/adapters.test.ts',
  'test/contract/completion.test.ts',
  'test/contract/ledger.test.ts',
  'test/contract/ledger-connections.test.ts',
  'test/contract/storage.test.ts',
  'test/contract/uploads-in-parts.test.ts',
];

/** Files of `nodeFolders` that examine our own logic with thousands of values, which another Node does not change. */
const notOnEveryNode = [
  'src/devstore/xml.test.ts',
  'src/protocol/parts.test.ts',
  'src/server/completion/content-check.test.ts',
  'src/server/grants/file-name.test.ts',
  'src/server/grants/keys.test.ts',
];

/** Files about rules of our server that are the same on every storage. `npm run test:all` runs them on Ceph as well. */
const onDevstoreInCi = [
  'test/attacks/a-references.test.ts',
  'test/attacks/a-routes.test.ts',
  'test/attacks/b-audience.test.ts',
  'test/attacks/b-grants.test.ts',
  'test/attacks/f-quota.test.ts',
  'test/attacks/f-sweep.test.ts',
  'test/attacks/g-deployments.test.ts',
  'test/attacks/g-events.test.ts',
  'test/attacks/g-handler.test.ts',
  'test/contract/ledger-uploads.test.ts',
];

/** The quick files that CI also runs on Ceph: those with a suite for every store, without the files above. */
export function cephFiles() {
  const runsOnCeph = (file) => {
    const text = readFileSync(join(root, file), 'utf8');
    return text.split('forEachStore(').length > text.split("only: ['devstore']").length;
  };
  return testFiles().quick.filter((file) => !onDevstoreInCi.includes(file) && runsOnCeph(file));
}

/** The files that CI runs after `npm test`: all that are not quick, without the files above. */
export function restFiles() {
  return testFiles().rest.filter((file) => !notInCi.includes(file));
}

/** The quick files that CI also runs on the other Node versions. `npm run test:all` runs all quick files on them. */
export function otherNodeFiles() {
  const isChosen = (file) =>
    !notOnEveryNode.includes(file) &&
    (nodeFiles.includes(file) || nodeFolders.some((folder) => file.startsWith(folder)));
  return testFiles().quick.filter(isChosen);
}

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
  return [...quickFiles, ...notQuick, ...notInCi, ...nodeFiles, ...notOnEveryNode, ...onDevstoreInCi].filter(
    (file) => !all.has(file),
  );
}
