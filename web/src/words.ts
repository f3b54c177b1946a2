/**
 * What the page says when something does not go through. One entry for every error code, so that a new code does not
 * compile until somebody has found words for it. No jargon: a reader knows files, sizes and kinds, not statuses.
 */
import type { ErrorCode } from 'waybill/client';
import { formatBytes, formatExactBytes } from './format.ts';

/** `refused`: this file will not be taken. `held`: something was in the way; the same file may go through later. */
export type Verdict = 'refused' | 'held' | 'cancelled';

export interface Words {
  verdict: Verdict;
  title: string;
  advice: string;
  /** Whether sending the same file again could end differently. */
  again: boolean;
}

interface Facts {
  fileName: string;
  size: number;
  details?: unknown;
}

type Phrase = Words | ((facts: Facts) => Words);

const refused = (title: string, advice: string): Words => ({ verdict: 'refused', title, advice, again: false });
const held = (title: string, advice: string): Words => ({ verdict: 'held', title, advice, again: true });

const phrases: Readonly<Record<ErrorCode, Phrase>> = {
  invalid_request: refused(
    'The server did not understand',
    'This page and its server may be of different ages. Reload the page.',
  ),
  unauthenticated: held('You are not signed in', 'Sign in, then try again.'),
  forbidden: refused('Not allowed', 'You may not send files here.'),
  grant_invalid: held('The permission was not accepted', 'Try again: the server will issue a new one.'),
  quota_exceeded: refused('No room left', 'Your space is used up. Remove something first.'),
  route_not_found: refused('This service does not exist', 'Choose another service and send the file again.'),
  upload_not_found: held('The server has no record of it', 'Try again: it will be sent as new.'),
  method_not_allowed: refused(
    'The server did not understand',
    'This page and its server may be of different ages. Reload the page.',
  ),
  upload_conflict: held('It was already closed', 'Try again: it will be sent as new.'),
  object_not_ready: held('It has not arrived', 'The store did not have the file when it was checked in. Try again.'),
  upload_expired: held('The permission ran out', 'It took longer than the permission lasted. Try again.'),
  request_too_large: refused('Too many files at once', 'Send fewer files at a time.'),
  file_too_large: ({ size, details }) =>
    refused('Too large', sizes(size, details, 'maxBytes', 'at most', 'are taken here')),
  file_too_small: ({ size, details }) =>
    size === 0
      ? refused('Empty', 'There is nothing in this file.')
      : refused('Too small', sizes(size, details, 'minBytes', 'at least', 'are needed')),
  content_type_not_allowed: ({ details }) => refused('Wrong kind of file', kindsAdvice(details)),
  too_many_files: refused('Too many files at once', 'Send fewer files at a time.'),
  part_invalid: held('A piece did not fit', 'Try again: it will be sent as new.'),
  size_mismatch: held('It arrived incomplete', 'What the store received has another length than the file. Try again.'),
  checksum_mismatch: held('It arrived damaged', 'What the store received differs from the file. Try again.'),
  content_type_mismatch: refused(
    'Not what it says it is',
    'Its content is of another kind than its name claims, so it was not kept.',
  ),
  upload_rejected: refused('Turned away on inspection', 'It was looked at on arrival and not kept.'),
  rate_limited: held('Too many at once', 'Wait a moment, then try again.'),
  internal_error: held('The server stumbled', 'It is not your file. Try again; if it stays, look at the server’s log.'),
  storage_rejected: held(
    'The store refused the server',
    'Its keys, its bucket or its clock may be wrong. Look at the server’s log.',
  ),
  callback_failed: held('The server could not finish', 'The file has arrived, but it could not be booked. Try again.'),
  ledger_unavailable: held('The server is busy', 'Its records did not answer. Try again.'),
  storage_unavailable: held('The store does not answer', 'Try again in a moment.'),
  aborted: { verdict: 'cancelled', title: 'Cancelled', advice: 'You stopped it. Nothing was kept.', again: true },
  network_error: held('The connection failed', 'Check the network, and that the server still runs. Then try again.'),
  timeout: held('No answer for too long', 'Check the network, then try again.'),
  source_unreadable: held(
    'The file cannot be read',
    'It may be a folder, or it was moved or changed since you picked it. Pick it again.',
  ),
  source_changed: held(
    'The file has changed',
    'It is not the file that was begun here any more. Start over to send it as it is now, or pick the unchanged one to go on.',
  ),
  cors_blocked: held(
    'The store does not let this page in',
    'Its CORS rules must name this page’s address. The developer console says which.',
  ),
  config_invalid: refused('This page is set up wrongly', 'Look at the server’s log.'),
};

/** Words for an error code. An unknown code (a newer server) still gets an honest sentence. */
export function wordsFor(code: string, facts: Facts): Words {
  const phrase = Object.hasOwn(phrases, code) ? phrases[code as ErrorCode] : undefined;
  if (!phrase) return held('Something went wrong', `The server said “${code.slice(0, 60)}”. Try again.`);
  return typeof phrase === 'function' ? phrase(facts) : phrase;
}

function sizes(size: number, details: unknown, field: string, before: string, after: string): string {
  const limit = fieldOf(details, field);
  if (typeof limit !== 'number') return `It has ${formatBytes(size)}.`;
  // "20 MB; at most 20 MB" would help nobody.
  const format = formatBytes(size) === formatBytes(limit) ? formatExactBytes : formatBytes;
  return `It has ${format(size)}; ${before} ${format(limit)} ${after}.`;
}

function fieldOf(details: unknown, field: string): unknown {
  if (typeof details !== 'object' || details === null || !Object.hasOwn(details, field)) return undefined;
  return (details as Record<string, unknown>)[field];
}

function kindsAdvice(details: unknown): string {
  const kinds = describeKinds(fieldOf(details, 'contentTypes')) || describeExtensions(fieldOf(details, 'extensions'));
  return kinds
    ? `Only ${kinds} are taken here.`
    : 'Files that a browser would run, such as web pages, are not taken here.';
}

const families: Readonly<Record<string, string>> = {
  'image/*': 'images',
  'video/*': 'videos',
  'audio/*': 'sound files',
  'text/*': 'text files',
  'application/pdf': 'PDF documents',
  'application/zip': 'ZIP archives',
};

/** `image/*`, `application/pdf` becomes "images and PDF documents"; empty when there is nothing to tell. */
export function describeKinds(patterns: unknown): string {
  if (!Array.isArray(patterns) || patterns.includes('*/*')) return '';
  return enumerate(
    patterns
      .filter((pattern): pattern is string => typeof pattern === 'string')
      .map((pattern) => families[pattern] ?? `${(pattern.split('/')[1] ?? pattern).toUpperCase()} files`),
  );
}

function describeExtensions(extensions: unknown): string {
  if (!Array.isArray(extensions)) return '';
  return `${enumerate(extensions.filter((item): item is string => typeof item === 'string').map((item) => `.${item}`))} files`;
}

function enumerate(items: readonly string[]): string {
  if (items.length < 2) return items[0] ?? '';
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}
