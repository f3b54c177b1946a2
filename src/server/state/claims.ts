/** The facts of one upload that its grant contains, and those that its completion adds. */
import type { Checksum } from '../../protocol/index.ts';
import type { Charset } from '../shared/charset.ts';

/** What the server has decided about one upload. Only the server can read or make claims. */
export interface Claims {
  uploadId: string;
  route: string;
  ownerId: string;
  key: string;
  /** Cleaned for display. */
  fileName: string;
  /** Bytes; null for a stream. */
  size: number | null;
  /** Bytes of every part but the last; null where all bytes go in one request. */
  partSize: number | null;
  contentType: string;
  /**
   * Set where the declaration leaves the type open. `by-content`: the name does as well, so that only the bytes tell
   * the type.
   */
  guessed?: 'by-extension' | 'by-content';
  /** Null when the route asks for none, and for uploads in parts, where each part has its own. */
  checksum: Checksum | null;
  /** Seconds since the epoch. After it nothing is signed, but the upload can still be completed. */
  expiresAt: number;
  /** The output of the route's schema. */
  metadata: unknown;
  /** The bytes are already stored by another upload: nothing is sent, and the object at `key` is the other upload's. */
  shared?: true;
  /** The metadata was too long to be sealed, and is in the ledger. */
  metadataInLedger?: true;
}

export interface OpenedGrant {
  claims: Claims;
  /**
   * The value that the staged object must have in `x-amz-meta-waybill`. Null with a ledger: any receipt of this upload.
   */
  receipt: string | null;
  /** Null where all bytes go in one request. Absent when only the receipt was opened, which does not tell. */
  multipart?: MultipartClaims | null;
}

/** The facts of an upload in parts that are known only after its receipt was sealed. */
export interface MultipartClaims {
  multipartId: string;
  /** Seconds since the epoch. Parts are signed until then. A client renews it by listing the parts. */
  expiresAt: number;
}

/** Opens a receipt. Null for a receipt that was not sealed by this deployment. */
export type OpenReceipt = (receipt: string) => OpenedGrant | null;

/** The size of a stream is known once it is an object. */
export type SizedClaims = Claims & { size: number; charset?: Charset | undefined };

/** Whether both declare one file. Their keys and expiry may differ. */
export function isSameDeclaration(a: Claims, b: Claims): boolean {
  return (
    a.uploadId === b.uploadId &&
    a.ownerId === b.ownerId &&
    a.route === b.route &&
    a.fileName === b.fileName &&
    a.contentType === b.contentType &&
    a.size === b.size &&
    a.partSize === b.partSize &&
    a.checksum?.algorithm === b.checksum?.algorithm &&
    a.checksum?.value === b.checksum?.value
  );
}
