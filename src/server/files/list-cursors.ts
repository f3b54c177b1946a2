/**
 * The cursors that clients get. A cursor is sealed together with its list, so that a client can neither make one nor
 * use it for another owner or route, and the ledger and the storage get only cursors that they returned.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { deriveKey } from '../shared/secrets.ts';

export interface ListOfFiles {
  route: string;
  ownerId: string;
}

export interface ListCursors {
  seal(cursor: string, list: ListOfFiles): string;
  /** Null unless this server sealed the text for the same list. */
  open(text: string, list: ListOfFiles): string | null;
}

const macBytes = 16;
const maxLength = 4096;

/** `payload.mac` in base64url: HMAC-SHA-256 cut to 128 bits (RFC 2104 section 5) under a key for cursors. */
export function createListCursors(secrets: readonly string[]): ListCursors {
  const keys = secrets.map((secret) => deriveKey(secret, 'list'));

  function macOf(key: Buffer, payload: string, { route, ownerId }: ListOfFiles): Buffer {
    const facts = JSON.stringify([route, ownerId, payload]);
    return createHmac('sha256', key).update(facts).digest().subarray(0, macBytes);
  }

  return {
    seal(cursor, list) {
      const payload = Buffer.from(cursor).toString('base64url');
      return `${payload}.${macOf(keys[0] as Buffer, payload, list).toString('base64url')}`;
    },
    open(text, list) {
      if (text.length > maxLength) return null;
      const dot = text.lastIndexOf('.');
      const mac = Buffer.from(text.slice(dot + 1), 'base64url');
      if (dot < 1 || mac.length !== macBytes) return null;
      const payload = text.slice(0, dot);
      if (!keys.some((key) => timingSafeEqual(macOf(key, payload, list), mac))) return null;
      return Buffer.from(payload, 'base64url').toString();
    },
  };
}
