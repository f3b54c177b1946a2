/**
 * The part of a ledger that an app uses to manage its files: renames, the audit trail, and erasing all that is recorded
 * of an owner.
 */
import type { StoredFile } from '../../protocol/index.ts';

/** What an audit entry records. `forgotten` is about an owner, every other action about one upload. */
export type AuditAction =
  | 'completed'
  | 'rejected'
  | 'aborted'
  | 'expired'
  | 'renamed'
  | 'copied'
  | 'deleted'
  | 'forgotten';

/** One change: who made it, what changed, and when. It is written in the transaction of the change. */
export interface AuditEntry {
  /** Increases with each entry. */
  entryId: number;
  /** Milliseconds since the epoch, by the database's clock. */
  at: number;
  action: AuditAction;
  /** Null for `forgotten`. */
  uploadId: string | null;
  /** Null for `forgotten`. */
  route: string | null;
  /** The owner of the file. */
  ownerId: string;
  /** Who asked for the change; null for what Waybill does by itself, and where that is not known. */
  actor: string | null;
  /**
   * For example `{ from, to }` of a rename; null without any. The end of an upload has `grantedAt`, in milliseconds
   * since the epoch.
   */
  details: Record<string, unknown> | null;
}

export interface AuditFilter {
  /** Only entries about the files of this owner. */
  ownerId?: string;
  /** Only entries about this upload. */
  uploadId?: string;
  /** {@link AuditPage.next} of the previous page. */
  after?: string;
  /** @default 50, at most 1,000 */
  limit?: number;
}

export interface AuditPage {
  /** Newest first. */
  entries: AuditEntry[];
  next: string | null;
}

export interface FileFilter {
  ownerId: string;
  /** @default all routes */
  route?: string;
  /** `next` of the previous page. */
  after?: string;
  /** @default 50, at most 1,000 */
  limit?: number;
}

export interface FileLedger {
  /**
   * Gives a completed upload the name and the facts of `file`. False when it has no file, or its name is not `from` any
   * more.
   */
  rename(change: { file: StoredFile; from: string; actor: string | null }): Promise<boolean>;
  /** @throws {WaybillError} `invalid_request` for a cursor that no page had */
  audit(filter: AuditFilter): Promise<AuditPage>;
  /** Deletes the oldest audit entries, at most `limit` of those that are older than this. Returns how many. */
  forgetAudit(olderThanMs: number, limit: number): Promise<number>;
  /**
   * Removes what names the owner or describes the file from uploads that were rejected, aborted or deleted, with their
   * webhooks and audit entries. An empty row stays until `Ledger.forget` deletes it, so that no unexpired grant
   * can continue the upload. An upload whose callback has to run is left out. Returns how many were erased.
   */
  eraseUploads(ownerId: string, uploadIds: readonly string[]): Promise<number>;
  /**
   * Deletes the usage and the audit entries of an owner, and writes one entry `forgotten`. False, and nothing changes,
   * while an upload of the owner is recorded.
   */
  eraseOwner(ownerId: string, actor: string | null): Promise<boolean>;
}
