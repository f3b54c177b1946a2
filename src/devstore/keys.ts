/**
 * Inside the store a key is a "byte string": one character per byte of its UTF-8. JavaScript then compares keys in
 * the order of S3 (UTF-8 bytes), which differs from the order of UTF-16. An ASCII key is its own byte string.
 */
import { createHash } from 'node:crypto';
import { StoreError } from './errors.ts';

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html */
export const maxKeyBytes = 1024;

const ascii = /^[\0-\x7f]*$/;

export function toBytes(text: string): string {
  return ascii.test(text) ? text : Buffer.from(text).toString('latin1');
}

export function fromBytes(bytes: string): string {
  return ascii.test(bytes) ? bytes : Buffer.from(bytes, 'latin1').toString();
}

/** Percent-decodes a path part into a byte string. A key must be UTF-8. @throws StoreError InvalidURI */
export function decodeUri(escaped: string): string {
  if (!escaped.includes('%') && ascii.test(escaped)) return escaped;
  if (/%(?![0-9a-fA-F]{2})/.test(escaped)) throw new StoreError('InvalidURI');
  const bytes = escaped.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  if (!isUtf8(bytes)) throw new StoreError('InvalidURI');
  return bytes;
}

function isUtf8(bytes: string): boolean {
  if (ascii.test(bytes)) return true;
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(bytes, 'latin1'));
    return true;
  } catch {
    return false;
  }
}

/** @throws StoreError KeyTooLongError */
export function checkKey(key: string): string {
  if (key.length > maxKeyBytes)
    throw new StoreError('KeyTooLongError', {
      details: { Size: String(key.length), MaxSizeAllowed: String(maxKeyBytes) },
    });
  return key;
}

/**
 * The file name of a key: `k` and the key, with every byte except `a-z 0-9 - _` as `=xx`. Without dots, slashes and
 * upper case there is no path traversal, no reserved name, and no collision on file systems that ignore case or
 * normalise Unicode. A longer name is `h` and the SHA-256 of the key, which is then read from the file.
 */
export function keyToFileName(key: string): string {
  const escaped = key.replace(/[^a-z0-9_-]/g, (byte) => `=${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);
  if (escaped.length <= 200) return `k${escaped}`;
  return `h${createHash('sha256').update(key, 'latin1').digest('hex')}`;
}

/** Returns null when the name contains only a hash of the key. */
export function fileNameToKey(name: string): string | null {
  if (!name.startsWith('k')) return null;
  return name.slice(1).replace(/=(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
