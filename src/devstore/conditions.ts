/**
 * Conditional requests. Reads: RFC 9110 section 13.2.2, as S3 applies it. Writes:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
import { noSuchKey } from './call.ts';
import { notImplementedHeader, StoreError } from './errors.ts';
import type { ObjectRecord } from './record.ts';

type Headers = ReadonlyMap<string, string>;

export interface ConditionNames {
  match: string;
  noneMatch: string;
  modifiedSince: string;
  unmodifiedSince: string;
}

export const readConditions: ConditionNames = {
  match: 'If-Match',
  noneMatch: 'If-None-Match',
  modifiedSince: 'If-Modified-Since',
  unmodifiedSince: 'If-Unmodified-Since',
};

export const copySourceConditions: ConditionNames = {
  match: 'x-amz-copy-source-If-Match',
  noneMatch: 'x-amz-copy-source-If-None-Match',
  modifiedSince: 'x-amz-copy-source-If-Modified-Since',
  unmodifiedSince: 'x-amz-copy-source-If-Unmodified-Since',
};

export function preconditionFailed(condition: string): StoreError {
  return new StoreError('PreconditionFailed', { details: { Condition: condition } });
}

/**
 * Returns the first condition that fails and its status, or null when the object may be read. When an ETag condition is
 * present, the date condition of the same kind is ignored.
 */
export function checkReadConditions(
  headers: Headers,
  record: Pick<ObjectRecord, 'etag' | 'modified'>,
  names: ConditionNames,
  now: number,
): { condition: string; status: 412 | 304 } | null {
  const value = (name: string) => headers.get(name.toLowerCase());
  const match = value(names.match);
  const noneMatch = value(names.noneMatch);
  const unmodified = parseDate(value(names.unmodifiedSince));
  const modified = parseDate(value(names.modifiedSince));
  if (match !== undefined) {
    if (!etagMatches(match, record.etag)) return { condition: names.match, status: 412 };
  } else if (unmodified !== null && record.modified > unmodified)
    return { condition: names.unmodifiedSince, status: 412 };
  if (noneMatch !== undefined) {
    if (etagMatches(noneMatch, record.etag)) return { condition: names.noneMatch, status: 304 };
  } else if (modified !== null && modified <= now && record.modified <= modified)
    return { condition: names.modifiedSince, status: 304 };
  return null;
}

function parseDate(value: string | undefined): number | null {
  const ms = value === undefined ? Number.NaN : Date.parse(value);
  return Number.isNaN(ms) ? null : Math.floor(ms / 1000) * 1000;
}

export function etagMatches(list: string, etag: string): boolean {
  return list.split(',').some((item) => {
    const given = item.trim().replace(/^W\//, '').replaceAll('"', '');
    return given === '*' || given === etag;
  });
}

/** The condition of a write: no object exists, or the existing object has this ETag. */
export type WriteCondition = { kind: 'absent' } | { kind: 'etag'; etag: string } | undefined;

/** @throws StoreError NotImplemented for conditions that S3 does not support on writes */
export function readWriteCondition(headers: Headers): WriteCondition {
  const match = headers.get('if-match');
  const noneMatch = headers.get('if-none-match');
  if (match !== undefined && noneMatch !== undefined)
    throw notImplementedHeader('If-Match,If-None-Match', 'Multiple conditional request headers present in the request');
  if (noneMatch !== undefined) {
    if (noneMatch.trim() !== '*') throw unsupportedValue('If-None-Match');
    return { kind: 'absent' };
  }
  if (match !== undefined) {
    if (match.trim() === '*') throw unsupportedValue('If-Match');
    return { kind: 'etag', etag: match.trim().replaceAll('"', '') };
  }
  for (const name of ['If-Modified-Since', 'If-Unmodified-Since'])
    if (headers.has(name.toLowerCase())) throw notImplementedHeader(name);
  return undefined;
}

function unsupportedValue(name: string): StoreError {
  return notImplementedHeader(name, `We don't accept the provided value of ${name} header for this API`);
}

/**
 * @param hasConflict whether the key was deleted (or written, where that matters) since the request began. S3 then
 * answers 409, because neither success nor 412 would be correct.
 */
export function checkWriteCondition(
  condition: WriteCondition,
  key: string,
  existing: Pick<ObjectRecord, 'etag'> | null,
  hasConflict = false,
): void {
  if (!condition) return;
  const name = condition.kind === 'absent' ? 'If-None-Match' : 'If-Match';
  if (condition.kind === 'absent' && existing) throw preconditionFailed(name);
  if (condition.kind === 'etag') {
    if (!existing && !hasConflict) throw noSuchKey(key);
    if (existing && existing.etag !== condition.etag) throw preconditionFailed(name);
  }
  if (hasConflict)
    throw new StoreError('ConditionalRequestConflict', {
      details: { Condition: name, Key: Buffer.from(key, 'latin1').toString() },
    });
}
