import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { WaybillError } from '../protocol/index.ts';

/** Where a page of a list ends: the number that the list is ordered by, and the id that orders equal numbers. */
export interface Cursor {
  position: number;
  id: string;
}

export function formatCursor({ position, id }: Cursor): string {
  return `${position}.${id}`;
}

/**
 * Parses a cursor, which a client sends back in a URL. A number or a text that the database cannot hold would otherwise
 * become a server error.
 *
 * @returns null for a text that is no cursor, so that the list starts at its beginning
 */
export function parseCursor(text: string | undefined): Cursor | null {
  const [, digits, id = ''] = /^(\d{1,16})\.(.{1,1024})$/s.exec(text ?? '') ?? [];
  const position = Number(digits);
  if (!Number.isSafeInteger(position) || id.includes('\0') || /\p{Surrogate}/u.test(id)) return null;
  return { position, id };
}

/** @throws {WaybillError} `invalid_request` for a text that is no cursor */
export function requireCursor(text: string | undefined): Cursor | null {
  const cursor = parseCursor(text);
  if (text === undefined || cursor) return cursor;
  throw new WaybillError('invalid_request', 'This cursor is not valid. Start the list again.');
}

/**
 * Selects the rows after a page of a list that is ordered by both columns, the highest first. MySQL finds a place in an
 * index by one column only, which the first comparison names.
 */
export function isAfterCursor([position, id]: readonly [string, string], cursor: Cursor): RawBuilder<SqlBool> {
  return sql<SqlBool>`(${sql.ref(position)} <= ${cursor.position}
    and (${sql.ref(position)}, ${sql.ref(id)}) < (${cursor.position}, ${cursor.id}))`;
}
