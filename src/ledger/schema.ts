/** The tables for Kysely. Times are milliseconds since the epoch by the database's clock; JSON is text. */
import type { Generated } from 'kysely';
import type { UploadState } from '../server/index.ts';

export interface UploadTable {
  upload_id: string;
  route: string;
  owner_id: string;
  key: string;
  file_name: string;
  content_type: string;
  size: number | null;
  part_size: number | null;
  transfer: string;
  checksum_algorithm: string | null;
  checksum: string | null;
  checksum_parts: number | null;
  metadata: string | null;
  state: UploadState;
  fence: number;
  lease_until: number;
  multipart_id: string | null;
  reserved_bytes: number;
  /** 1 while `reserved_bytes` and one file count as pending in the usage of its owner. */
  reserved: number;
  /** The quotas that held when the upload was granted, as JSON; null without any. */
  quotas: string | null;
  /** Chosen by the client; null once the upload has ended without a file. */
  idempotency_key: string | null;
  created_at: number;
  expires_at: number;
  abandon_at: number;
  abandon_after: number;
  ended_at: number | null;
  file: string | null;
  data: string | null;
  error: string | null;
  callback_attempts: number;
  callback_interruptions: number;
  /** Set while a callback runs. When the next holder of the lease finds it set, that callback was interrupted. */
  callback_began: number | null;
  callback_error: string | null;
  retry_at: number | null;
  parked_at: number | null;
  /** A callback that is to run because the upload has ended, as JSON. `retry_at` says when it runs next. */
  pending_callback: string | null;
  /** When the sweep visits the upload next; null for never. */
  sweep_at: number | null;
}

/** Usage of each owner: over all routes (route '') and for each route. */
export interface UsageTable {
  owner_id: string;
  route: string;
  stored_bytes: number;
  stored_files: number;
  pending_bytes: number;
  pending_files: number;
}

export interface WebhookTable {
  webhook_id: string;
  upload_id: string;
  type: string;
  payload: string;
  created_at: number;
  attempts: number;
  next_at: number | null;
  delivered_at: number | null;
  parked_at: number | null;
  last_error: string | null;
}

/** Who changed what and when: one row for each change, which is written in the transaction of the change. */
export interface AuditTable {
  /** Increases with each row. */
  entry_id: Generated<number>;
  at: number;
  action: string;
  /** Null for an entry about the owner as a whole. */
  upload_id: string | null;
  route: string | null;
  owner_id: string;
  /** Who asked for the change; null for what Waybill does by itself. */
  actor: string | null;
  details: string | null;
}

export interface LockTable {
  name: string;
  holder: string;
  until: number;
}

export interface SweepTable {
  started_at: number;
  ended_at: number;
  report: string;
  orphans: string;
}

export interface MigrationTable {
  version: number;
  migrated_at: number;
}

/** The names have a prefix because the database may also have tables of the app. */
export interface Tables {
  waybill_uploads: UploadTable;
  waybill_usage: UsageTable;
  waybill_webhooks: WebhookTable;
  waybill_audit: AuditTable;
  waybill_locks: LockTable;
  waybill_sweeps: SweepTable;
  waybill_migrations: MigrationTable;
}
