import { createHmac, timingSafeEqual } from 'node:crypto';
import { deriveKey } from './secrets.ts';

/** What a view URL names. */
export interface ViewRef {
  route: string;
  ownerId: string;
  key: string;
  fileName: string;
  contentType: string;
  /** Where several uploads share one object: which of them. */
  uploadId?: string | undefined;
}

export interface ViewRefs {
  /** The same for the same file, always: it is stored in databases and linked to. */
  make(ref: ViewRef): string;
  /** Null unless made here. */
  read(text: string): ViewRef | null;
}

const macBytes = 16;
const maxRefLength = 4096;

/** `payload.mac` in base64url: HMAC-SHA-256 cut to 128 bits (RFC 2104 section 5) under the view key. */
export function createViewRefs(secrets: readonly string[]): ViewRefs {
  const keys = secrets.map((secret) => deriveKey(secret, 'view'));

  function macOf(key: Buffer, payload: string): Buffer {
    return createHmac('sha256', key).update(payload).digest().subarray(0, macBytes);
  }

  return {
    make({ route, ownerId, key, fileName, contentType, uploadId }) {
      const facts = [route, ownerId, key, fileName, contentType, ...(uploadId === undefined ? [] : [uploadId])];
      const payload = Buffer.from(JSON.stringify(facts)).toString('base64url');
      return `${payload}.${macOf(keys[0] as Buffer, payload).toString('base64url')}`;
    },
    read(text) {
      if (text.length > maxRefLength) return null;
      const dot = text.lastIndexOf('.');
      const mac = Buffer.from(text.slice(dot + 1), 'base64url');
      if (dot < 1 || mac.length !== macBytes || mac.toString('base64url') !== text.slice(dot + 1)) return null;
      const payload = text.slice(0, dot);
      if (!keys.some((key) => timingSafeEqual(macOf(key, payload), mac))) return null;
      const facts = JSON.parse(Buffer.from(payload, 'base64url').toString()) as [
        string,
        string,
        string,
        string,
        string,
        string?,
      ];
      const [route, ownerId, key, fileName, contentType, uploadId] = facts;
      return { route, ownerId, key, fileName, contentType, ...(uploadId === undefined ? {} : { uploadId }) };
    },
  };
}
