/** What users read about an error: a message for each error code. */
import type { ErrorCode, RouteInfo } from '../protocol/index.ts';
import type { MessageKey } from './catalogue.ts';
import type { Translator } from './translate.ts';
import { describeTypes } from './types.ts';

/** Messages that need no details. Several codes mean the same to a user. */
const plainTexts = {
  invalid_request: 'errorOutdated',
  method_not_allowed: 'errorOutdated',
  route_not_found: 'errorOutdated',
  config_invalid: 'errorOutdated',
  unauthenticated: 'errorSignIn',
  forbidden: 'errorForbidden',
  quota_exceeded: 'errorQuota',
  grant_invalid: 'errorEnded',
  upload_not_found: 'errorEnded',
  upload_conflict: 'errorEnded',
  upload_expired: 'errorEnded',
  part_invalid: 'errorEnded',
  request_too_large: 'errorTooMany',
  object_not_ready: 'errorDamaged',
  size_mismatch: 'errorDamaged',
  checksum_mismatch: 'errorDamaged',
  content_type_mismatch: 'errorContent',
  upload_rejected: 'errorRejected',
  rate_limited: 'errorBusy',
  callback_failed: 'errorBusy',
  storage_unavailable: 'errorBusy',
  ledger_unavailable: 'errorBusy',
  internal_error: 'errorServer',
  storage_rejected: 'errorServer',
  cors_blocked: 'errorServer',
  aborted: 'errorAborted',
  network_error: 'errorNetwork',
  timeout: 'errorNetwork',
  source_unreadable: 'errorUnreadable',
  source_changed: 'errorChanged',
} as const satisfies { [Code in ErrorCode]?: MessageKey };

type Details = Readonly<Record<string, unknown>>;

/** False for the details of an older server, which may send none. */
const areNumbers = (...values: unknown[]) => values.every((value) => typeof value === 'number');

const detailedTexts = {
  file_too_large: (translator: Translator, { size, maxBytes }: Details) => {
    if (!areNumbers(size, maxBytes)) return translator.text('errorRejected');
    const [sizeText, limit] = translator.sizes(Number(size), Number(maxBytes));
    return translator.text('errorTooLarge', { size: sizeText, limit });
  },
  file_too_small: (translator: Translator, { size, minBytes }: Details) => {
    if (size === 0) return translator.text('errorEmpty');
    if (!areNumbers(size, minBytes)) return translator.text('errorRejected');
    const [sizeText, limit] = translator.sizes(Number(size), Number(minBytes));
    return translator.text('errorTooSmall', { size: sizeText, limit });
  },
  content_type_not_allowed: (translator: Translator, details: Details) => {
    const types = describeTypes(translator, details as Partial<RouteInfo['limits']>);
    return types ? translator.text('errorTypeOnly', { types }) : translator.text('errorType');
  },
  too_many_files: (translator: Translator, { maxFiles }: Details) =>
    maxFiles ? translator.text('errorCount', { count: Number(maxFiles) }) : translator.text('errorTooMany'),
};

// Every code has a message.
const texts: Readonly<Record<ErrorCode, unknown>> = { ...plainTexts, ...detailedTexts };

/**
 * The message for an error, for its user.
 * @param error a `WaybillError`, or its JSON. A code of a newer server gets a general message.
 * @example element.textContent = errorText(translator, snapshot.error)
 */
export function errorText(translator: Translator, error: { code: string; details?: unknown }): string {
  const { code, details } = error;
  if (!Object.hasOwn(texts, code)) return translator.text('errorServer');
  if (Object.hasOwn(plainTexts, code)) return translator.text(plainTexts[code as keyof typeof plainTexts]);
  return detailedTexts[code as keyof typeof detailedTexts](translator, (details ?? {}) as Details);
}
