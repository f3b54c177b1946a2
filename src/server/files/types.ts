/** The options and the results of the methods that manage stored files. */
import type { PresignedRequest, StoredFile } from '../../protocol/index.ts';
import type { Quota } from '../state/ledger.ts';

/** A stored file with its owner. */
export interface OwnedFile extends StoredFile {
  /** As `authorize` returned it. */
  ownerId: string;
  /** The client's metadata, as the schema parsed it. Undefined without a ledger. */
  metadata?: unknown;
}

export interface FileOptions {
  /** The file must have this owner: a file of another owner is treated as missing. @default any owner @example 'u-1' */
  ownerId?: string;
}

export interface ChangeOptions extends FileOptions {
  /** Who asks for the change, for the audit trail. At most 200 characters. @default unknown @example 'admin-7' */
  actor?: string;
}

export interface ListOptions {
  /** The owner of the files. Required. @example 'u-1' */
  ownerId: string;
  /** Only files of this route. @default all routes; without a ledger the route is required @example 'photos' */
  route?: string;
  /** {@link FilePage.cursor} of the previous page. @default the first page @example page.cursor */
  cursor?: string | null;
  /** Files in a page, from 1 to 1,000. @default 50 @example 200 */
  limit?: number;
}

export interface FilePage {
  /** With a ledger, the file that was granted last is the first. Without one, they are in the order of their keys. */
  files: OwnedFile[];
  /** Null on the last page. */
  cursor: string | null;
}

export interface CopyFileOptions extends ChangeOptions {
  /** What differs from the original. @default nothing @example { ownerId: 'u-2' } */
  to?: {
    /** The owner of the copy. @default the owner of the file @example 'u-2' */
    ownerId?: string;
    /** @default the name of the file @example 'Copy of report.pdf' */
    fileName?: string;
    /** The key of the copy. Required on a route with `key`, and refused on every other. @example 'docs/u-2/report' */
    key?: string;
    /** Required where the route has a schema and there is no ledger. @default the metadata of the file */
    metadata?: unknown;
    /** Required where the `quota` of the route is a function. @default the quota of the route */
    quota?: Quota | null;
  };
}

export interface ForgetOptions {
  /**
   * Who asks to forget the owner, for the entry `forgotten` of the audit trail. @default unknown @example
   * 'privacy-desk'
   */
  actor?: string;
  /** Stops the call between two uploads. The next call continues. @default none @example AbortSignal.timeout(20_000) */
  signal?: AbortSignal;
}

/** What one call of `forgetOwner()` did. The numbers do not include earlier calls. */
export interface ForgetReport {
  ownerId: string;
  /** Whether nothing of the owner is left. When it is false, call `forgetOwner()` again. */
  done: boolean;
  /** Stored files that were deleted. */
  filesDeleted: number;
  /** Unfinished uploads that were aborted. */
  uploadsAborted: number;
  /** Records that were erased, with their webhooks and audit entries. 0 without a ledger. */
  recordsErased: number;
  /** Uploads that are being completed at this moment, or whose `onDelete` or `onReject` has to run again. */
  busy: number;
}

export interface ExportOptions {
  /** {@link OwnerExport.cursor} of the previous page. @default the first page @example page.cursor */
  cursor?: string | null;
  /** Files in a page, from 1 to 1,000. @default 100 @example 1_000 */
  limit?: number;
  /** How long the download requests are valid, in seconds, from 1 to 604,800. @default 3_600 @example 86_400 */
  expiresInSeconds?: number;
}

export interface ExportedFile extends OwnedFile {
  /** What `onComplete` returned. */
  data: unknown;
  /** Downloads the file under its name. It is a secret until it expires. */
  download: PresignedRequest;
}

/** One page of the manifest of an owner's files. */
export interface OwnerExport {
  ownerId: string;
  /** ISO 8601. */
  exportedAt: string;
  files: ExportedFile[];
  /** Null on the last page. */
  cursor: string | null;
}
