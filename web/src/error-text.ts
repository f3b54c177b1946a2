/**
 * What the page shows when an upload fails. The table has an entry for every error code, so a new code does not compile
 * until it has a text. The texts speak of files, sizes and types, and never of statuses or checksums.
 */
import { formatBytes, formatSizes } from 'waybill';
import type { ErrorCode, WaybillError } from 'waybill/client';
import { describeContentType } from './file-names.ts';

/** `refused`: the server does not accept this file. `failed`: the same file may succeed later. */
export type Outcome = 'refused' | 'failed' | 'cancelled';

export interface ErrorText {
  outcome: Outcome;
  title: string;
  advice: string;
  /** Whether sending the same file again could succeed. */
  canRetry: boolean;
}

interface Facts {
  size: number;
  details?: unknown;
}

const refused = (title: string, advice: string): ErrorText => ({ outcome: 'refused', title, advice, canRetry: false });
const failed = (title: string, advice: string): ErrorText => ({ outcome: 'failed', title, advice, canRetry: true });

const outdatedPage = refused(
  'The server did not understand',
  'This page and its server may be of different versions. Reload the page.',
);

const texts: Readonly<Record<ErrorCode, ErrorText | ((facts: Facts) => ErrorText)>> = {
  invalid_request: outdatedPage,
  unauthenticated: failed('You are not signed in', 'Sign in, then try again.'),
  forbidden: refused('Not allowed', 'You may not send files here.'),
  grant_invalid: failed('The permission was not accepted', 'Try again: the server will issue a new one.'),
  quota_exceeded: refused('No space left', 'Your space is used up. Remove something first.'),
  route_not_found: refused('This service does not exist', 'Choose another service and send the file again.'),
  upload_not_found: failed('The server has no record of it', 'Try again: it will be sent as a new upload.'),
  method_not_allowed: outdatedPage,
  upload_conflict: failed('This upload has already ended', 'Try again: it will be sent as a new upload.'),
  object_not_ready: failed(
    'It has not arrived',
    'The storage did not have the file when the server looked. Try again.',
  ),
  upload_expired: failed('The permission expired', 'Sending took longer than the permission lasted. Try again.'),
  request_too_large: refused('Too many files at once', 'Send fewer files at a time.'),
  file_too_large: ({ size, details }) =>
    refused(
      'Too large',
      sizeAdvice(size, details, 'maxBytes', (limit) => `at most ${limit} are accepted here`),
    ),
  file_too_small: ({ size, details }) =>
    size === 0
      ? refused('Empty', 'There is nothing in this file.')
      : refused(
          'Too small',
          sizeAdvice(size, details, 'minBytes', (limit) => `at least ${limit} are needed`),
        ),
  content_type_not_allowed: ({ details }) => refused('Wrong type of file', allowedTypesAdvice(details)),
  too_many_files: refused('Too many files at once', 'Send fewer files at a time.'),
  part_invalid: failed('A part did not fit', 'Try again: it will be sent as a new upload.'),
  size_mismatch: failed('It arrived incomplete', 'The storage received another size than the file has. Try again.'),
  checksum_mismatch: failed('It arrived damaged', 'What the storage received differs from the file. Try again.'),
  content_type_mismatch: refused(
    'Not what its name says',
    'Its content is of another type than its name says, so it was not kept.',
  ),
  upload_rejected: refused('Rejected by a check', 'The server checked the file after it arrived and did not keep it.'),
  rate_limited: failed('Too many at once', 'Wait a moment, then try again.'),
  internal_error: failed(
    'The server had an error',
    'Your file is not the cause. Try again, or look at the server’s log.',
  ),
  storage_rejected: failed(
    'The storage refused the server',
    'Its keys, its bucket or its clock may be wrong. Look at the server’s log.',
  ),
  callback_failed: failed('The server could not finish', 'The file has arrived, but was not recorded. Try again.'),
  ledger_unavailable: failed('The server is busy', 'Its database did not answer. Try again.'),
  storage_unavailable: failed('The storage does not answer', 'Try again in a moment.'),
  aborted: { outcome: 'cancelled', title: 'Cancelled', advice: 'You stopped it. Nothing was kept.', canRetry: true },
  network_error: failed('The connection failed', 'Check the network, and that the server is running. Then try again.'),
  timeout: failed('No answer for too long', 'Check the network, then try again.'),
  source_unreadable: failed(
    'The file cannot be read',
    'It may be a folder, or it was moved or changed after you chose it. Choose it again.',
  ),
  source_changed: failed(
    'The file has changed',
    'It is not the file that this upload began with. Start over to send it as it is, or choose the unchanged file.',
  ),
  cors_blocked: failed(
    'The storage does not accept this page',
    'Its CORS rules must name this page’s address. The developer console says which.',
  ),
  config_invalid: refused('This page has a wrong setting', 'Look at the server’s log.'),
};

/** The text for an error code. A code that this page does not know, of a newer server, gets a general text. */
export function errorText(code: string, facts: Facts): ErrorText {
  const text = Object.hasOwn(texts, code) ? texts[code as ErrorCode] : undefined;
  if (!text) return failed('Something went wrong', `The server said “${code.slice(0, 60)}”. Try again.`);
  return typeof text === 'function' ? text(facts) : text;
}

/** Says what the client has found in the file before it was sent. The server may still accept the file. */
export function warningText(warning: WaybillError): string {
  const declared = readField(warning.details, 'declared');
  const detected = readField(warning.details, 'detected');
  if (typeof declared !== 'string' || typeof detected !== 'string') return 'The server may refuse this file.';
  // A type, or words such as `binary data`.
  const content = detected.includes('/') ? describeContentType(detected) : detected;
  const contradiction = `Its name says ${describeContentType(declared)}, but its content looks like ${content}.`;
  return `${contradiction} The server may refuse it.`;
}

function sizeAdvice(size: number, details: unknown, field: string, describeLimit: (limit: string) => string): string {
  const limit = readField(details, field);
  if (typeof limit !== 'number') return `It has ${formatBytes(size)}.`;
  const [sizeText, limitText] = formatSizes(size, limit);
  return `It has ${sizeText}; ${describeLimit(limitText)}.`;
}

function readField(details: unknown, field: string): unknown {
  if (typeof details !== 'object' || details === null || !Object.hasOwn(details, field)) return undefined;
  return (details as Record<string, unknown>)[field];
}

function allowedTypesAdvice(details: unknown): string {
  const types =
    describeContentTypes(readField(details, 'contentTypes')) || describeExtensions(readField(details, 'extensions'));
  return types
    ? `Only ${types} are accepted here.`
    : 'Files that a browser would run, such as web pages, are not accepted here.';
}

const typeNames: Readonly<Record<string, string>> = {
  'image/*': 'images',
  'video/*': 'videos',
  'audio/*': 'sound files',
  'text/*': 'text files',
  'application/pdf': 'PDF documents',
  'application/zip': 'ZIP archives',
};

/** `images and PDF documents` for `image/*` and `application/pdf`. Empty when every type is allowed. */
export function describeContentTypes(patterns: unknown): string {
  if (!Array.isArray(patterns) || patterns.includes('*/*')) return '';
  return joinWithAnd(
    patterns
      .filter((pattern): pattern is string => typeof pattern === 'string')
      .map((pattern) => typeNames[pattern] ?? `${(pattern.split('/')[1] ?? pattern).toUpperCase()} files`),
  );
}

function describeExtensions(extensions: unknown): string {
  if (!Array.isArray(extensions)) return '';
  const names = extensions.filter((item): item is string => typeof item === 'string').map((item) => `.${item}`);
  return `${joinWithAnd(names)} files`;
}

function joinWithAnd(items: readonly string[]): string {
  if (items.length < 2) return items[0] ?? '';
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}
