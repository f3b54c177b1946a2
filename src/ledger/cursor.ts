/** Where a page of a list ends: a number that the list is ordered by, and the id that tells equal ones apart. */
export interface Cursor {
  position: number;
  id: string;
}

export function formatCursor({ position, id }: Cursor): string {
  return `${position}.${id}`;
}

/**
 * Null for a text that no page gave out: the list then begins at its start. A cursor travels in URLs, and a number or a text
 * that a database cannot hold would be an error of the server.
 */
export function parseCursor(text: string | undefined): Cursor | null {
  const [, digits, id = ''] = /^(\d{1,16})\.(.{1,1024})$/s.exec(text ?? '') ?? [];
  const position = Number(digits);
  if (!Number.isSafeInteger(position) || id.includes('\0') || /\p{Surrogate}/u.test(id)) return null;
  return { position, id };
}
