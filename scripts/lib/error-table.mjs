/** The table of errors in docs/protocol.md: codes, statuses and details are read from the sources, meanings stand here. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readDeclaration } from './docstrings.mjs';

export const begin = '<!-- errors: made from src/protocol/errors.ts by `npm run docs` -->';
export const end = '<!-- end of errors -->';

/** @type {Readonly<Record<string, string>>} what happened, and what to do */
export const meanings = {
  invalid_request: 'The request is not JSON, or breaks a rule of this page. `details.issues` lists each rule.',
  unauthenticated: '`authorize` returned nothing for this request. Sign in, then ask again.',
  forbidden: 'The sender is known and may not do this, or the page is of an origin that may not send cookies.',
  grant_invalid: 'The grant is not one of this server, or belongs to another owner or deployment. Start a new upload.',
  quota_exceeded: 'The owner has no room for these files. Delete some, or wait until uploads under way have ended.',
  route_not_found: 'There is no such path or route. Check the endpoint, `basePath` and the name of the route.',
  upload_not_found: 'There is no such upload or file for this sender. Files of other owners answer the same.',
  method_not_allowed: 'The path exists, and does not take this method. The `Allow` header lists those that it takes.',
  upload_conflict:
    'The upload is being completed or has ended, the key has another file, or the idempotency key was used for another declaration.',
  object_not_ready: 'The bytes, or some parts, have not arrived. Send them, then complete again.',
  upload_expired:
    'The permission has expired, and nothing arrived. Start a new upload, or list the parts to renew a grant.',
  request_too_large: 'The body of the request is over `maxBodyBytes`. Send fewer files in one request.',
  file_too_large: 'The file is over the `maxBytes` of the route.',
  file_too_small: 'The file is under the `minBytes` of the route, or empty.',
  content_type_not_allowed: 'The route does not take this type or this file name extension.',
  too_many_files: 'More files in one request than `maxFiles`, or than the rate limit can ever allow at once.',
  part_invalid: 'The part is not in the plan: its number, its size or its checksum.',
  size_mismatch: 'The stored object has another size than was declared. It was deleted.',
  checksum_mismatch: 'The stored object has other bytes than were declared. It was deleted.',
  content_type_mismatch: 'The content is not of the declared type. The object was deleted.',
  upload_rejected: '`inspect` of the app refused the file. The object was deleted.',
  rate_limited: 'Too many calls or files in this period. Wait as long as `Retry-After` says.',
  internal_error: 'A fault of the server or of the app. The event `request.failed` has the reason.',
  storage_rejected: 'The storage refused a request: wrong bucket, keys or region, or an upload it does not accept.',
  callback_failed: '`onComplete` or `inspect` threw. The file is kept; complete again later.',
  storage_unavailable: 'The storage did not answer, or is overloaded. Try again.',
  ledger_unavailable: 'The database did not answer. Try again.',
  aborted: 'The upload was aborted by `abort()` or a signal.',
  network_error: 'No answer came. The client tries again by itself first.',
  timeout: 'Nothing moved for too long. The client tries again by itself first.',
  source_unreadable: 'The file cannot be read: it was moved, deleted, or is not a file.',
  source_changed: 'The file is not the one that was begun. Pick the right file, or start a new upload.',
  cors_blocked:
    'The browser was not allowed to send to the storage or the server. `details.hint` says which rule is missing.',
  config_invalid: 'An option is missing, unknown or impossible. The message names it.',
};

/** @returns {{ code: string, status: number, retryable: boolean, kind: string }[]} the rows of src/protocol/errors.ts */
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
  const details = new Map(
    readDeclaration(root, 'src/protocol/error-details.ts#ErrorDetails').members.map((one) => [one.name, one]),
  );
  const lines = ['| kind | meaning |', '| --- | --- |'];
  for (const { kind, meaning } of readKinds(root)) lines.push(`| \`${kind}\` | ${meaning} |`);
  lines.push('', '| code | status | kind | try again | meaning | details |', '| --- | --- | --- | --- | --- | --- |');
  for (const { code, status, retryable, kind } of readErrors(root)) {
    const names = fieldsOf(root, details.get(code)?.type ?? '').map((name) => `\`${name}\``);
    lines.push(
      `| \`${code}\` | ${status === 0 ? '-' : status} | ${kind} | ${retryable ? 'yes' : 'no'} | ${meanings[code] ?? ''} | ${names.join(', ')} |`,
    );
  }
  return lines.join('\n');
}

/** The page with its table as it should be. */
export function withErrorTable(/** @type {string} */ root, /** @type {string} */ page) {
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from === -1 || to === -1) throw new Error('docs/protocol.md has no place for the table of errors.');
  return `${page.slice(0, from)}${begin}\n\n${renderErrorTable(root)}\n\n${page.slice(to)}`;
}

/** Names of the fields in a type of details, without the hint that each may have. */
function fieldsOf(/** @type {string} */ root, /** @type {string} */ type) {
  const inherited = ['FileSizeDetails', 'TriedRequest']
    .filter((name) => type.includes(name))
    .flatMap((name) => readDeclaration(root, `src/protocol/error-details.ts#${name}`).members.map((one) => one.name));
  const own = [...type.matchAll(/[{;] ?(\w+)\??:/g)].map(([, name = '']) => name);
  return [...inherited, ...own];
}
