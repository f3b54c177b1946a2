/** What a grant says of one upload, and what a completion adds to it. */
import type { Checksum } from '../../protocol/index.ts';
import type { Charset } from '../shared/charset.ts';

/** Everything the server decided about one upload. Only the server can read or make it. */
export interface Claims {
  uploadId: string;
  route: string;
  ownerId: string;
  key: string;
  /** Cleaned for display. */
  fileName: string;
  /** Bytes; null for a stream. */
  size: number | null;
  /** Of every part but the last, in bytes; null where all bytes go in one request. */
  partSize: number | null;
  contentType: string;
  /** The declaration left the type open. `by-content`: the name did as well, so only the bytes can tell. */
  guessed?: 'by-extension' | 'by-content';
  /** Null when the route asks for none, and for multipart, whose parts are bound one by one. */
  checksum: Checksum | null;
  /** Seconds since the epoch. Signing stops then; completing does not. */
  expiresAt: number;
  /** What the route's schema made of it. */
  metadata: unknown;
  /** Its bytes are there already, as another upload's: nothing is sent, and the object at `key` is not its own. */
  shared?: true;
  /** It was too long to be sealed, and the ledger has it. */
  metadataInLedger?: true;
}

export interface OpenedGrant {
  claims: Claims;
  /** What the staged object must carry as `x-amz-meta-waybill`; null: any receipt of this upload, see the ledger. */
  receipt: string | null;
  /** Null where all bytes go in one request, and unknown (absent) when only the receipt was at hand. */
  multipart?: MultipartClaims | null;
}

/** What is known only after the receipt was sealed. */
export interface MultipartClaims {
  multipartId: string;
  /** Seconds since the epoch. Parts are signed until then; renewed for whoever lists the parts. */
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
