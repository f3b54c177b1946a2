/** Records grants: one transaction for a group of uploads, in which each reserves its share of the quota. */
import { sql, type Transaction } from 'kysely';
import type { GrantOutcome, NewUpload } from '../server/internal.ts';
import { type NewAuditEntry, writeAudit } from './audit.ts';
import type { Database } from './database.ts';
import { createGroup } from './group.ts';
import { findBrokenQuota } from './quota.ts';
import { toJsonText } from './rows.ts';
import type { Tables, UsageTable } from './schema.ts';
import { addUsage, allRoutes } from './usage.ts';

/** Limited by the 32,766 parameters of one SQLite statement. https://sqlite.org/limits.html */
const maxUploadsInGroup = 200;
/** Limits the metadata in one statement. */
const maxBytesInGroup = 1024 * 1024;

/** An upload with its metadata as JSON text. Metadata that has no JSON throws before the upload joins a group. */
interface Reservation {
  upload: NewUpload;
  metadata: string | null;
}

export function createGranting(database: Database): (uploads: readonly NewUpload[]) => Promise<GrantOutcome[]> {
  const { kysely } = database;
  const group = createGroup<Reservation, GrantOutcome>({
    maxParallel: database.parallelGroups,
    maxItems: maxUploadsInGroup,
    maxBytes: maxBytesInGroup,
    bytesOf: ({ metadata }) => metadata?.length ?? 0,
    isCausedByOneItem: isCausedByOneRow,
    run: (reservations) => kysely.transaction().execute((trx) => reserve(database, trx, reservations)),
  });
  return async (uploads) => {
    const reservations = uploads.map((upload) => ({ upload, metadata: toJsonText(upload.metadata) }));
    return Promise.all(reservations.map((reservation) => group.add(reservation)));
  };
}

/**
 * Whether a single row can have caused this error: its id exists, the database refuses its text, its statement is too
 * large, or the driver cannot send a value. These are SQLite's error names and the SQLSTATE classes 22, 23 and 54
 * (https://www.postgresql.org/docs/current/errcodes-appendix.html). MySQL has these classes in another property, except
 * that of a text which the column cannot hold.
 */
function isCausedByOneRow(error: unknown): boolean {
  const { code, sqlState } = (error ?? {}) as { code?: unknown; sqlState?: unknown };
  const isOfRow = /^(SQLITE_(CONSTRAINT|TOOBIG|MISMATCH|RANGE)|ER_TRUNCATED_WRONG_VALUE_FOR_FIELD$|(2[23]|54)...$)/;
  if (isOfRow.test(String(code)) || isOfRow.test(String(sqlState))) return true;
  return error instanceof TypeError || error instanceof RangeError;
}

/** Checks the quotas of all uploads, and records those that fit. Returns one outcome for each, in order. */
async function reserve(
  database: Database,
  trx: Transaction<Tables>,
  reservations: readonly Reservation[],
): Promise<GrantOutcome[]> {
  const uploads = reservations.map(({ upload }) => upload);
  const added = new Map<string, UsageTable>();
  for (const upload of uploads) for (const route of routesOf(upload)) countPending(added, route, upload, 1);
  // Adds the usage of all uploads first, which locks the rows of the owners until this transaction ends.
  const totals = new Map(
    (await addUsage(trx, [...added.values()])).map((row) => [usageId(row.owner_id, row.route), row]),
  );
  // The totals now contain the whole group. It is subtracted here, and each admitted upload is added again below, so
  // that every quota is checked against the uploads before it only.
  for (const [id, row] of added) {
    const total = totals.get(id) as UsageTable;
    total.pending_bytes -= row.pending_bytes;
    total.pending_files -= row.pending_files;
  }
  const refused = new Map<string, UsageTable>();
  const admitted: Reservation[] = [];
  // While the rows of the owners are locked, no other transaction can use the same idempotency key.
  const existing = await findByIdempotencyKey(trx, uploads);
  const outcomes = reservations.map((reservation): GrantOutcome => {
    const { upload } = reservation;
    const id = idempotencyId(upload);
    const uploadId = id === null ? undefined : existing.get(id);
    const total = (route: string) => totals.get(usageId(upload.ownerId, route)) as UsageTable;
    const outcome =
      uploadId === undefined
        ? findBrokenQuota(upload.quotas, { owner: total(allRoutes), route: total(upload.route) }, upload)
        : { existing: uploadId };
    if (outcome) for (const route of routesOf(upload)) countPending(refused, route, upload, -1);
    else {
      admitted.push(reservation);
      if (id !== null) existing.set(id, upload.uploadId);
      for (const route of routesOf(upload)) addPending(total(route), upload);
    }
    return outcome;
  });
  if (refused.size > 0) await addUsage(trx, [...refused.values()]);
  if (admitted.length > 0) await insertUploads(database, trx, admitted);
  await writeAudit(
    database,
    trx,
    admitted.flatMap(({ upload }) => auditGrant(upload)),
  );
  return outcomes;
}

/**
 * Only a copy gets entries, also for the owner of the file that was copied. Other grants get none: the upload is
 * recorded already, and the entry of its end says when it was granted. A second row made grants slower: see
 * `npm run bench -- ledger`.
 */
function auditGrant({ uploadId, route, ownerId, copy }: NewUpload): NewAuditEntry[] {
  const entry = { upload_id: uploadId, route, owner_id: ownerId };
  if (!copy) return [];
  const { from, actor } = copy;
  return [
    { ...entry, action: 'copied', actor, details: { from: from.uploadId } },
    {
      action: 'copied',
      upload_id: from.uploadId,
      route,
      owner_id: from.ownerId,
      actor,
      details: { to: uploadId },
    },
  ];
}

/** Equal for two uploads with the same idempotency key, owner and route; null without a key. */
function idempotencyId({ ownerId, route, idempotencyKey }: NewUpload): string | null {
  return idempotencyKey === undefined ? null : JSON.stringify([ownerId, route, idempotencyKey]);
}

/** The ids of existing uploads, by `idempotencyId`. */
async function findByIdempotencyKey(
  trx: Transaction<Tables>,
  uploads: readonly NewUpload[],
): Promise<Map<string, string>> {
  const keyed = uploads.filter(({ idempotencyKey }) => idempotencyKey !== undefined);
  const found = new Map<string, string>();
  if (keyed.length === 0) return found;
  const rows = await trx
    .selectFrom('waybill_uploads')
    .select(['upload_id', 'owner_id', 'route', 'idempotency_key'])
    .where(({ eb, or, and }) =>
      or(
        keyed.map(({ ownerId, route, idempotencyKey }) =>
          and([
            eb('owner_id', '=', ownerId),
            eb('route', '=', route),
            eb('idempotency_key', '=', idempotencyKey ?? null),
          ]),
        ),
      ),
    )
    .execute();
  for (const row of rows) found.set(JSON.stringify([row.owner_id, row.route, row.idempotency_key]), row.upload_id);
  return found;
}

const routesOf = ({ route }: NewUpload) => [allRoutes, route];
const usageId = (ownerId: string, route: string) => `${ownerId}/${route}`;

/** Adds an upload to the pending usage in `rows`, or with `sign` -1 subtracts it. */
function countPending(rows: Map<string, UsageTable>, route: string, upload: NewUpload, sign: 1 | -1): void {
  const owner_id = upload.ownerId;
  const id = usageId(owner_id, route);
  const row = rows.get(id) ?? { owner_id, route, stored_bytes: 0, stored_files: 0, pending_bytes: 0, pending_files: 0 };
  row.pending_bytes += sign * upload.reservedBytes;
  row.pending_files += sign;
  rows.set(id, row);
}

/** Adds an admitted upload to a total in memory, for the quota of the uploads after it. */
function addPending(total: UsageTable, { reservedBytes }: NewUpload): void {
  total.pending_bytes += reservedBytes;
  total.pending_files += 1;
}

async function insertUploads(
  database: Database,
  trx: Transaction<Tables>,
  reservations: readonly Reservation[],
): Promise<void> {
  const now = database.now();
  await trx
    .insertInto('waybill_uploads')
    .values(
      reservations.map(({ upload, metadata }) => {
        const expiresAt = sql<number>`${now} + ${sql.lit(upload.expiresInMs)}`;
        return {
          upload_id: upload.uploadId,
          route: upload.route,
          owner_id: upload.ownerId,
          key: upload.key,
          file_name: upload.fileName,
          content_type: upload.contentType,
          size: upload.size,
          part_size: upload.partSize,
          transfer: upload.transfer,
          checksum_algorithm: upload.checksum?.algorithm ?? null,
          checksum: upload.checksum?.value ?? null,
          metadata,
          state: 'granted',
          fence: 0,
          lease_until: 0,
          reserved_bytes: upload.reservedBytes,
          reserved: 1,
          quotas: upload.quotas.owner || upload.quotas.route ? JSON.stringify(upload.quotas) : null,
          idempotency_key: upload.idempotencyKey ?? null,
          created_at: now,
          expires_at: expiresAt,
          abandon_after: Math.round(upload.abandonAfterMs),
          abandon_at: sql<number>`${now} + ${sql.lit(upload.expiresInMs + Math.round(upload.abandonAfterMs))}`,
          callback_attempts: 0,
          callback_interruptions: 0,
          sweep_at: expiresAt,
        } as const;
      }),
    )
    .execute();
}
