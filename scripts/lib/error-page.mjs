/** Renders docs/errors.md: one section for each error code, with what it means and what to do. */
import { fieldsOf, meanings, readErrors, readKinds } from './error-table.mjs';

/** @type {Readonly<Record<string, string>>} what the developer, the user or the operator does about it */
export const remedies = {
  invalid_request:
    'Correct the request: `details.issues` names each field. The Waybill client sends none of these, so look for a client of another version or a proxy that changes bodies.',
  unauthenticated:
    'Ask the user to sign in, and call `upload.retry()`. Bytes that were sent are kept. `onUnauthenticated` of the client can renew the session by itself. When the user is signed in, check that the cookie or header reaches `authorize`.',
  forbidden:
    'Show that the user may not do this. When the user may, compare `details.origin` with `details.host`: set `publicUrl`, or list the origin of the page in `allowedOrigins`. See [behind a proxy](guides/behind-a-proxy.md).',
  grant_invalid:
    'Start a new upload. When it happens to all users after a deployment, the `secret` has changed: pass the old one as the second of a list until its grants have expired.',
  quota_exceeded:
    'Tell the user how much is left (`details.limit`, `details.used`), and offer to delete files. See [quotas](guides/quotas.md).',
  route_not_found:
    'Compare the `endpoint` of the client with `uploads.paths`, and the route with the keys of `routes`. Behind a mount point, set `basePath`.',
  upload_not_found:
    'Treat the file as deleted. When it should exist, check who is signed in: files of other owners get the same answer, so that ids cannot be probed.',
  method_not_allowed: 'Use a method of the `Allow` header. A proxy or a framework may have changed the method.',
  upload_conflict:
    'Look at `details.state`. When the upload is `completed`, use its file. When another file has the key, choose another key, or set `replace: true` on the route.',
  object_not_ready: 'Send the missing bytes or parts, and complete again. The Waybill client does this by itself.',
  upload_expired: 'Start a new upload. When large files need more time, raise `expiresInSeconds`.',
  request_too_large:
    'Send fewer files or less metadata in one call, or raise `maxBodyBytes`. Files do not count: they are never in a call to your server.',
  file_too_large:
    'Tell the user the limit (`details.maxBytes`), best before the upload: `client.routeInfo()` and the hook `useRoute` know it.',
  file_too_small:
    'Tell the user that the file is empty or too small (`details.minBytes`). A route accepts empty files with `minBytes: 0`.',
  content_type_not_allowed:
    'Tell the user which types are accepted (`details.contentTypes`), and set `accept` on the file input from the route.',
  too_many_files:
    'Tell the user how many files may be sent at once (`details.maxFiles`), or raise `maxFiles` of the route.',
  part_invalid:
    'Send the part as planned: every part but the last has exactly `partSize` bytes. See [sending in parts](protocol.md#send-in-parts).',
  size_mismatch: 'Start a new upload. When it repeats, something between the client and the storage changes the body.',
  checksum_mismatch:
    'Start a new upload. When it repeats, something between the client and the storage changes the body.',
  content_type_mismatch:
    'Tell the user that the content of the file is not what its name says (`details.detected`). Choose a file of an accepted type.',
  upload_rejected: 'Show `message`: it is the reason that `inspect` returned.',
  rate_limited: 'Wait for the time in `Retry-After` and repeat the call. The Waybill client does this by itself.',
  internal_error:
    'Read the event `request.failed` on the server: it contains the reason, and the `requestId` of the answer.',
  storage_rejected:
    'Run `await uploads.check()`: it names what is wrong with the bucket, the credentials or the region, and how to correct it.',
  callback_failed:
    'Correct the callback. Nothing is lost: the next completion, or the sweep with a ledger, runs it again. See [a parked callback](operations.md#a-parked-callback).',
  storage_unavailable: 'Wait and repeat the call. The Waybill client does this by itself, with fewer requests at once.',
  ledger_unavailable: 'Wait and repeat the call. Check the database and its number of connections.',
  aborted: 'Nothing: the user or the program ended the upload.',
  network_error: 'Let the user retry with `upload.retry()` when the connection is back. Bytes that were sent are kept.',
  timeout: 'Let the user retry with `upload.retry()`. Bytes that were sent are kept.',
  source_unreadable: 'Ask the user to choose the file again.',
  source_changed: 'Ask the user to choose the original file, or start a new upload with the changed one.',
  cors_blocked: 'Set the CORS rule that `details.hint` names. See [CORS](storage.md#cors).',
  config_invalid: 'Correct the option that the message names. It is thrown at start-up, before any request.',
};

const intro = `# Errors

This page lists every error code. \`npm run docs\` writes it from \`src/protocol/errors.ts\`.

In a page and in Node, an error is a \`WaybillError\`. \`isWaybillError()\` recognises it, and types \`details\` by \`code\`:

\`\`\`ts
// errors.ts
import { isWaybillError } from 'waybill';

export function explain(error: unknown): string {
  if (isWaybillError(error) && error.code === 'file_too_large') return \`At most \${error.details?.maxBytes} bytes.\`;
  if (isWaybillError(error)) return error.message; // for the user; \`details.hint\` is for the developer
  return 'Something went wrong.';
}
\`\`\`

Over HTTP it is the JSON that [the protocol](protocol.md#errors) describes. Decide by \`code\` or by its kind, and never by the status,
because several codes share one. When \`retryable\` is true, the same call can succeed later.`;

/** Renders the whole page. */
export function renderErrorPage(/** @type {string} */ root) {
  const lines = [intro, '', '## Kinds', '', '| kind | what it means |', '| --- | --- |'];
  for (const { kind, meaning } of readKinds(root)) lines.push(`| \`${kind}\` | ${meaning} |`);
  const errors = readErrors(root);
  lines.push('', '## All codes', '', '| code | status | kind | try again |', '| --- | --- | --- | --- |');
  for (const { code, status, kind, retryable } of errors)
    lines.push(`| [\`${code}\`](#${code}) | ${status || '-'} | ${kind} | ${retryable ? 'yes' : 'no'} |`);
  for (const { code, status, kind, retryable } of errors) {
    const where = status ? `HTTP ${status}` : 'Not sent over HTTP';
    lines.push(
      '',
      `## ${code}`,
      '',
      `${where}, kind \`${kind}\`, ${retryable ? 'may succeed later' : 'not retryable'}.`,
    );
    lines.push('', `**Meaning.** ${meanings[code]}`, '', `**What to do.** ${remedies[code]}`);
    const fields = fieldsOf(root, code);
    if (fields.length > 0) lines.push('', `**Details.** ${fields.map((name) => `\`${name}\``).join(', ')}`);
  }
  return `${lines.join('\n')}\n`;
}
