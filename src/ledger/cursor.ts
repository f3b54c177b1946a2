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
