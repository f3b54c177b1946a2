import { createHmac, timingSafeEqual } from 'node:crypto';
import { WaybillError } from '../../protocol/index.ts';
import { uploadIdOfKey } from '../grants/keys.ts';
import { isCharset, splitCharset, withCharset } from '../shared/charset.ts';
import { deriveKey } from '../shared/secrets.ts';
import { isUploadId } from '../shared/upload-id.ts';

/** The content of a view URL: the upload that it names, and how the file is displayed. */
export interface ViewRef {
  route: string;
  ownerId: string;
  key: string;
  fileName: string;
  contentType: string;
  /** As in `file.charset`. Where a text file has none, each view asks the storage for it. */
  charset?: string | undefined;
  /** The upload that stored the file. The reference is not valid for a later upload with the same key. */
  uploadId: string;
}

export interface ViewRefs {
  /**
   * Returns the same text each time for the same file, because apps store it and link to it.
   *
   * @throws {WaybillError} `invalid_request` without an `uploadId`
   */
  make(ref: ViewRef): string;
  /** Returns null unless this server made the reference and it names an upload. */
  read(text: string): ViewRef | null;
}

/** The `uploadId` is omitted when the key contains it, which keeps URLs short. */
type Facts = [
  route: string,
  ownerId: string,
  key: string,
  fileName: string,
  contentType: string,
  uploadId?: string | undefined,
];

const macBytes = 16;
const maxRefLength = 4096;

/** `payload.mac` in base64url: HMAC-SHA-256 cut to 128 bits (RFC 2104 section 5) under the view key. */
export function createViewRefs(secrets: readonly string[]): ViewRefs {
  const keys = secrets.map((secret) => deriveKey(secret, 'view'));

  function macOf(key: Buffer, payload: string): Buffer {
    return createHmac('sha256', key).update(payload).digest().subarray(0, macBytes);
  }

  return {
    make(ref) {
      const { route, ownerId, key, fileName } = ref;
      const contentType = withCharset(ref.contentType, isCharset(ref.charset) ? ref.charset : undefined);
      const named = uploadIdOfKey(ref);
      const uploadId = ref.uploadId ?? named;
      if (typeof uploadId !== 'string' || !isUploadId(uploadId))
        throw new WaybillError(
          'invalid_request',
          'viewUrl() needs the `uploadId` of the file: its key may come again.',
        );
      const facts: Facts = [route, ownerId, key, fileName, contentType];
      if (uploadId !== named) facts.push(uploadId);
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
      const facts = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Facts;
      const [route, ownerId, key, fileName] = facts;
      // Older versions always omitted the id. Where the key does not contain it either, the reference is refused.
      const uploadId = facts[5] ?? uploadIdOfKey({ route, ownerId, key });
      return uploadId === null ? null : { route, ownerId, key, fileName, ...splitCharset(facts[4]), uploadId };
    },
  };
}
