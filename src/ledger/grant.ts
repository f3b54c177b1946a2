/** Reservations: a group of grants is one transaction, in which each is judged by what its owner has then. */
import { sql, type Transaction } from 'kysely';
import type { GrantOutcome, NewUpload } from '../server/index.ts';
import type { Database } from './database.ts';
import { createGroup } from './group.ts';
import { refusalOf } from './quota.ts';
import { textOf } from './rows.ts';
import type { Tables, UsageTable } from './schema.ts';
import { addUsage, allRoutes } from './usage.ts';

/** Rows in one statement: SQLite takes 32,766 parameters. */
const mostInGroup = 200;
/** Metadata in one statement. */
const mostBytesInGroup = 1024 * 1024;

/** An upload whose JSON is text already: what cannot be written as JSON has thrown before it joins a group. */
interface Reservation {
  upload: NewUpload;
  metadata: string | null;
}

export function createGranting(database: Database): (uploads: readonly NewUpload[]) => Promise<GrantOutcome[]> {
  const { kysely } = database;
  const group = createGroup<Reservation, GrantOutcome>({
    parallel: database.parallelGroups,
    most: mostInGroup,
    mostBytes: mostBytesInGroup,
    weightOf: ({ metadata }) => metadata?.length ?? 0,
    oneIsAtFault: isOfARow,
    run: (reservations) => kysely.transaction().execute((trx) => reserve(database, trx, reservations)),
  });
  return async (uploads) => {
    const reservations = uploads.map((upload) => ({ upload, metadata: textOf(upload.metadata) }));
    return Promise.all(reservations.map((reservation) => group.add(reservation)));
  };
}

/**
 * Errors that one row can cause: an id that exists already, a text that the database does not take, a statement that is too
 * large, or a value that the driver cannot send. SQLite's names, and SQLSTATE's classes 22, 23 and 54
 * (https://www.postgresql.org/docs/current/errcodes-appendix.html).
 */
function isOfARow(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code === 'string' && /^(SQLITE_(CONSTRAINT|TOOBIG|MISMATCH|RANGE)|(2[23]|54)...$)/.test(code)) return true;
  return error instanceof TypeError || error instanceof RangeError;
}

async function reserve(
  database: Database,
  trx: Transaction<Tables>,
  reservations: readonly Reservation[],
): Promise<GrantOutcome[]> {
  const uploads = reservations.map(({ upload }) => upload);
  const added = new Map<string, UsageTable>();
  for (const upload of uploads) for (const route of scopes(upload)) add(added, upload.ownerId, route, upload, 1);
  // Adding first takes the rows: nobody else is judged by them until this transaction ends.
  const totals = new Map((await addUsage(trx, [...added.values()])).map((row) => [idOf(row.owner_id, row.route), row]));
  for (const [id, row] of added) {
    const total = totals.get(id) as UsageTable;
    total.pending_bytes -= row.pending_bytes;
    total.pending_files -= row.pending_files;
  }
  const given = new Map<string, UsageTable>();
  const admitted: Reservation[] = [];
  // After the rows of the owners were taken: nobody else grants the same key until this transaction ends.
  const existing = await findByIdempotencyKey(trx, uploads);
  const outcomes = reservations.map((reservation): GrantOutcome => {
    const { upload } = reservation;
    const keyed = keyOf(upload);
    const uploadId = keyed === null ? undefined : existing.get(keyed);
    const total = (route: string) => totals.get(idOf(upload.ownerId, route)) as UsageTable;
    const outcome =
      uploadId === undefined
        ? refusalOf(upload.quotas, { owner: total(allRoutes), route: total(upload.route) }, upload)
        : { existing: uploadId };
    if (outcome) for (const route of scopes(upload)) add(given, upload.ownerId, route, upload, -1);
    else {
      admitted.push(reservation);
      if (keyed !== null) existing.set(keyed, upload.uploadId);
      for (const route of scopes(upload)) take(total(route), upload);
    }
    return outcome;
  });
  if (given.size > 0) await addUsage(trx, [...given.values()]);
  if (admitted.length > 0) await insert(database, trx, admitted);
  return outcomes;
}

/** Identifies uploads that one idempotency key names; null without one. */
function keyOf({ ownerId, route, idempotencyKey }: NewUpload): string | null {
  return idempotencyKey === undefined ? null : JSON.stringify([ownerId, route, idempotencyKey]);
}

/** Live uploads by their keys. */
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

const scopes = ({ route }: NewUpload) => [allRoutes, route];
const idOf = (ownerId: string, route: string) => `${ownerId}/${route}`;

function add(rows: Map<string, UsageTable>, owner_id: string, route: string, upload: NewUpload, sign: 1 | -1): void {
  const id = idOf(owner_id, route);
  const row = rows.get(id) ?? { owner_id, route, stored_bytes: 0, stored_files: 0, pending_bytes: 0, pending_files: 0 };
  row.pending_bytes += sign * upload.reservedBytes;
  row.pending_files += sign;
  rows.set(id, row);
}

function take(total: UsageTable, { reservedBytes }: NewUpload): void {
  total.pending_bytes += reservedBytes;
  total.pending_files += 1;
}

async function insert(
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
