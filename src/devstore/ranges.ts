/** Parses `Range: bytes=...`. S3 supports one range. RFC 9110 section 14. */
import { StoreError } from './errors.ts';

export interface ByteRange {
  start: number;
  /** Bytes. */
  length: number;
}

/**
 * Returns undefined for a value that is not one well-formed byte range: S3 then sends the whole object.
 * @throws StoreError InvalidRange when the range is outside the object
 */
export function parseRange(value: string | undefined, size: number): ByteRange | undefined {
  const match = /^\s*bytes\s*=\s*(?:(\d+)\s*)?-\s*(?:(\d+)\s*)?$/i.exec(value ?? '');
  if (!match || value === undefined) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '') {
    if (last === '') return undefined;
    const length = Math.min(Number(last), size);
    if (length === 0) throw unsatisfiable(value, size);
    return { start: size - length, length };
  }
  const start = Number(first);
  const end = last === '' ? size - 1 : Number(last);
  if (last !== '' && end < start) return undefined;
  if (start >= size) throw unsatisfiable(value, size);
  return { start, length: Math.min(end, size - 1) - start + 1 };
}

function unsatisfiable(value: string, size: number): StoreError {
  return new StoreError('InvalidRange', {
    details: { RangeRequested: value, ActualObjectSize: String(size) },
    headers: { 'content-range': `bytes */${size}` },
  });
}

export function contentRange({ start, length }: ByteRange, size: number): string {
  return `bytes ${start}-${start + length - 1}/${size}`;
}
