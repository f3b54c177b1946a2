/** Conversion between the rows of the tables and the records of the server. */
import type { Selectable } from 'kysely';
import type { ChecksumAlgorithm, StoredFile, Transfer, WireError } from '../protocol/index.ts';
import type { PendingCallback, UploadRecord, Usage, WebhookRecord } from '../server/index.ts';
import type { UploadTable, UsageTable, WebhookTable } from './schema.ts';

/** A row with the database's clock, which leases are compared with. */
export type UploadRow = Selectable<UploadTable> & { clock: number };

export function rowToRecord(row: UploadRow): UploadRecord {
  return {
    uploadId: row.upload_id,
    route: row.route,
    ownerId: row.owner_id,
    key: row.key,
    fileName: row.file_name,
    contentType: row.content_type,
    size: row.size,
    partSize: row.part_size,
    transfer: row.transfer as Transfer,
    checksum: readChecksum(row),
    metadata: parse(row.metadata),
    state: row.state,
    fence: row.fence,
    leaseLeftMs: row.state === 'completing' ? Math.max(0, row.lease_until - row.clock) : 0,
    multipartId: row.multipart_id,
    reservedBytes: row.reserved_bytes,
    isReserved: row.reserved === 1,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    abandonAt: row.abandon_at,
    endedAt: row.ended_at,
    file: (parse(row.file) as StoredFile | undefined) ?? null,
    data: row.data === null ? null : parse(row.data),
    error: (parse(row.error) as WireError | undefined) ?? null,
    callback: {
      attempts: row.callback_attempts,
      interruptions: row.callback_interruptions,
      lastError: row.callback_error,
      retryAt: row.retry_at,
      parkedAt: row.parked_at,
    },
    pendingCallback: (parse(row.pending_callback) as PendingCallback | undefined) ?? null,
  };
}

function readChecksum(row: UploadRow): UploadRecord['checksum'] {
  if (row.checksum_algorithm === null || row.checksum === null) return null;
  const algorithm = row.checksum_algorithm as ChecksumAlgorithm;
  const parts = row.checksum_parts;
  return { algorithm, value: row.checksum, ...(parts === null ? {} : { parts }) };
}

function parse(text: string | null): unknown {
  return text === null ? undefined : JSON.parse(text);
}

/** @returns null for undefined, which has no JSON: the metadata of a route without a schema */
export function toJsonText(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

export function rowToUsage(row: Omit<Selectable<UsageTable>, 'owner_id' | 'route'>): Usage {
  return {
    storedBytes: row.stored_bytes,
    storedFiles: row.stored_files,
    pendingBytes: row.pending_bytes,
    pendingFiles: row.pending_files,
  };
}

export function rowToWebhook(row: Selectable<WebhookTable>): WebhookRecord {
  return {
    webhookId: row.webhook_id,
    uploadId: row.upload_id,
    type: row.type,
    payload: row.payload,
    createdAt: row.created_at,
    attempts: row.attempts,
    nextAt: row.next_at,
    deliveredAt: row.delivered_at,
    parkedAt: row.parked_at,
    lastError: row.last_error,
  };
}

/** In UTF-16 code units. */
const maxReasonLength = 4000;

/**
 * The text of an error in a form that both databases can store: Postgres refuses NUL in text, and a lone surrogate is
 * not UTF-8. Errors often quote user input, and a failure that cannot be stored would be neither retried nor parked.
 */
export function storableReason(text: string): string {
  return text
    .slice(0, maxReasonLength)
    .replaceAll('\0', '\uFFFD')
    .replace(/\p{Surrogate}/gu, '\uFFFD');
}
