/**
 * Renders the tables of errors in docs/protocol.md. Codes, statuses and details come from the sources; the meanings are
 * below.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readDeclaration } from './docstrings.mjs';

export const begin = '<!-- errors: made from src/protocol/errors.ts by `npm run docs` -->';
export const end = '<!-- end of errors -->';

/** @type {Readonly<Record<string, string>>} what happened, and what to do */
export const meanings = {
  invalid_request: 'The request is not JSON, or breaks a rule of this page. `details.issues` lists each rule.',
  unauthenticated: '`authorize` returned nothing for this request. Sign in and repeat the call.',
  forbidden: 'The user is known and may not do this, or the origin of the page may not send cookies.',
  grant_invalid:
    'The grant was not sealed by this server, or belongs to another owner or deployment. Start a new upload.',
  quota_exceeded: 'These files exceed the quota of the owner. Delete files, or wait until running uploads have ended.',
  route_not_found: 'The path or the route does not exist. Check the endpoint, `basePath` and the name of the route.',
  upload_not_found: 'This user has no such upload or file. Files of other owners get the same answer.',
  method_not_allowed: 'The path does not accept this method. The `Allow` header lists the accepted ones.',
  upload_conflict:
    'The upload is being completed or has ended, the key has another file, or the idempotency key was used for another declaration.',
  object_not_ready: 'The bytes, or some parts, have not arrived. Send them, then complete again.',
  upload_expired:
    'The grant has expired, and nothing has arrived. Start a new upload, or list the parts to renew a grant.',
  request_too_large: 'The request body is larger than `maxBodyBytes`. Send fewer files in one request.',
  file_too_large: 'The file is larger than the `maxBytes` of the route.',
  file_too_small: 'The file is smaller than the `minBytes` of the route, or empty.',
  content_type_not_allowed: 'The route does not accept this type or this file name extension.',
  too_many_files: 'The request has more files than `maxFiles`, or more than the rate limit can ever allow at once.',
  part_invalid: 'The number, size or checksum of the part does not match the plan.',
  size_mismatch: 'The stored object has another size than declared. It was deleted.',
  checksum_mismatch: 'The stored object has other bytes than declared. It was deleted.',
  content_type_mismatch: 'The content does not have the declared type. The object was deleted.',
  upload_rejected: 'The `inspect` callback of the app rejected the file. The object was deleted.',
  rate_limited: 'There were too many calls or files in this period. Wait for the time in `Retry-After`.',
  internal_error: 'The server or the app has failed. The event `request.failed` contains the reason.',
  storage_rejected:
    'The storage refused a request: the bucket, the credentials or the region is wrong, or it does not accept the upload.',
  callback_failed: '`onComplete` or `inspect` threw. The file is kept; complete again later.',
  storage_unavailable: 'The storage did not answer or is overloaded. Try again.',
  ledger_unavailable: 'The database did not answer. Try again.',
  aborted: 'The upload was aborted by `abort()` or a signal.',
  network_error: 'No answer was received. The client has already tried again.',
  timeout: 'No byte was sent or received for too long. The client has already tried again.',
  source_unreadable: 'The file cannot be read: it was moved or deleted, or is not a file.',
  source_changed: 'The file has changed since the upload began. Choose the original file, or start a new upload.',
  cors_blocked:
    'CORS rules do not allow the page to send to the storage or the server. `details.hint` names the missing rule.',
  config_invalid: 'An option is missing, unknown or invalid. The message names it.',
};

/**
 * @returns {{ code: string, status: number, retryable: boolean, kind: string }[]} the rows of src/protocol/errors.ts
 */
export function readErrors(/** @type {string} */ root) {
  const row = /^ {2}(\w+): \{ status: (\d+), retryable: (true|false), kind: '(\w+)' \},$/gm;
  return [...readSource(root).matchAll(row)].map(([, code = '', status, retryable, kind = '']) => ({
    code,
    status: Number(status),
    retryable: retryable === 'true',
    kind,
  }));
}

/** @returns {{ kind: string, meaning: string }[]} the members of `ErrorKind`, with their comments */
export function readKinds(/** @type {string} */ root) {
  return [...readSource(root).matchAll(/^ {2}\/\*\* (.*) \*\/\n {2}\| '(\w+)'/gm)].map(
    ([, meaning = '', kind = '']) => ({
      kind,
      meaning,
    }),
  );
}

function readSource(/** @type {string} */ root) {
  return readFileSync(join(root, 'src/protocol/errors.ts'), 'utf8');
}

export function renderErrorTable(/** @type {string} */ root) {
  const lines = ['| kind | meaning |', '| --- | --- |'];
  for (const { kind, meaning } of readKinds(root)) lines.push(`| \`${kind}\` | ${meaning} |`);
  lines.push('', '| code | status | kind | try again | meaning | details |', '| --- | --- | --- | --- | --- | --- |');
  for (const { code, status, retryable, kind } of readErrors(root)) {
    const names = fieldsOf(root, code).map((name) => `\`${name}\``);
    lines.push(
      `| \`${code}\` | ${status === 0 ? '-' : status} | ${kind} | ${retryable ? 'yes' : 'no'} | ${meanings[code] ?? ''} | ${names.join(', ')} |`,
    );
  }
  return lines.join('\n');
}

/** Returns the page with up-to-date tables. */
export function withErrorTable(/** @type {string} */ root, /** @type {string} */ page) {
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from === -1 || to === -1) throw new Error('docs/protocol.md has no place for the table of errors.');
  return `${page.slice(0, from)}${begin}\n\n${renderErrorTable(root)}\n\n${page.slice(to)}`;
}

/** Names of the fields in the details of a code, without the hint that each may have. */
export function fieldsOf(/** @type {string} */ root, /** @type {string} */ code) {
  const { members } = readDeclaration(root, 'src/protocol/error-details.ts#ErrorDetails');
  const type = members.find(({ name }) => name === code)?.type ?? '';
  const inherited = ['FileSizeDetails', 'TriedRequest']
    .filter((name) => type.includes(name))
    .flatMap((name) => readDeclaration(root, `src/protocol/error-details.ts#${name}`).members.map((one) => one.name));
  const own = [...type.matchAll(/[{;] ?(\w+)\??:/g)].map(([, name = '']) => name);
  return [...inherited, ...own];
}
