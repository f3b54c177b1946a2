/** The files of an owner as an app manages them: lists, renames, and erasing all that is recorded of the owner. */
import { sql, type Transaction } from 'kysely';
import type { FileFilter, Ledger, UploadPage } from '../server/index.ts';
import { deleteEntries, writeAudit } from './audit.ts';
import { formatCursor, isAfterCursor, requireCursor } from './cursor.ts';
import { type Database, stateLiteral } from './database.ts';
import { rowToRecord } from './rows.ts';
import type { Tables } from './schema.ts';
import { adjustUsage } from './usage.ts';

export type FileMethods = Pick<Ledger, 'listFiles' | 'rename' | 'eraseUploads' | 'eraseOwner'>;

const maxPageSize = 1000;
/** Limits how long one statement deletes. */
const maxErasedEntries = 10_000;

export function createFiles(database: Database): FileMethods {
  return {
    listFiles: (filter) => listFiles(database, filter),
    rename: (change) => rename(database, change),
    eraseUploads: (ownerId, uploadIds) => eraseUploads(database, ownerId, uploadIds),
    eraseOwner: (ownerId, actor) => eraseOwner(database, ownerId, actor),
  };
}

async function listFiles(
  { kysely, now }: Database,
  { ownerId, route, after, limit = 50 }: FileFilter,
): Promise<UploadPage> {
  const pageSize = Math.min(limit, maxPageSize);
  const from = requireCursor(after);
  let query = kysely
    .selectFrom('waybill_uploads')
    .selectAll()
    .select(now().as('clock'))
    .where('owner_id', '=', ownerId)
    .where('state', '=', stateLiteral('completed'))
    .orderBy('created_at', 'desc')
    .orderBy('upload_id', 'desc')
    .limit(pageSize);
  if (route !== undefined) query = query.where('route', '=', route);
  if (from) query = query.where(isAfterCursor(['created_at', 'upload_id'], from));
  const rows = await query.execute();
  const last = rows.at(-1);
  return {
    uploads: rows.map(rowToRecord),
    next: last && rows.length === pageSize ? formatCursor({ position: last.created_at, id: last.upload_id }) : null,
  };
}

function rename(
  database: Database,
  { file, from, actor }: { file: Parameters<Ledger['rename']>[0]['file']; from: string; actor: string | null },
): Promise<boolean> {
  const { uploadId, fileName } = file;
  return database.kysely.transaction().execute(async (trx) => {
    const renamed = await trx
      .updateTable('waybill_uploads')
      .set({ file_name: fileName, file: JSON.stringify(file) })
      .where('upload_id', '=', uploadId)
      .where('state', '=', stateLiteral('completed'))
      .where('file_name', '=', from)
      .returning(['upload_id', 'route', 'owner_id'])
      .executeTakeFirst();
    if (!renamed) return false;
    await writeAudit(database, trx, [{ ...renamed, action: 'renamed', actor, details: { from, to: fileName } }]);
    return true;
  });
}

/** An error without facts of the file. The row of a rejected upload must have an error. */
const erasedError = JSON.stringify({ code: 'upload_rejected', message: 'This file was refused.', retryable: false });

function eraseUploads(database: Database, ownerId: string, uploadIds: readonly string[]): Promise<number> {
  if (uploadIds.length === 0) return Promise.resolve(0);
  return database.kysely.transaction().execute(async (trx) => {
    await freeReservations(trx, ownerId, uploadIds);
    const erased = await trx
      .updateTable('waybill_uploads')
      .set({
        owner_id: '',
        key: '',
        file_name: '',
        content_type: '',
        size: null,
        checksum_algorithm: null,
        checksum: null,
        checksum_parts: null,
        metadata: null,
        multipart_id: null,
        quotas: null,
        idempotency_key: null,
        file: null,
        data: null,
        error: sql<string | null>`case when state = 'rejected' then ${erasedError} end`,
        callback_error: null,
        retry_at: null,
        parked_at: null,
        pending_callback: null,
        sweep_at: null,
      })
      .where('upload_id', 'in', uploadIds)
      .where('owner_id', '=', ownerId)
      .where('state', 'in', endedStates)
      // A callback that has to run again gets the facts of the row.
      .where(({ eb, or }) => or([eb('pending_callback', 'is', null), eb('parked_at', 'is not', null)]))
      .returning('upload_id')
      .execute();
    const ids = erased.map(({ upload_id }) => upload_id);
    if (ids.length === 0) return 0;
    await trx.deleteFrom('waybill_webhooks').where('upload_id', 'in', ids).execute();
    await trx.deleteFrom('waybill_audit').where('upload_id', 'in', ids).where('owner_id', '=', ownerId).execute();
    return ids.length;
  });
}

const endedStates = [stateLiteral('rejected'), stateLiteral('aborted'), stateLiteral('deleted')];

/** Gives reserved quota back. Afterwards the rows lose their owner, so that it could not be given back later. */
async function freeReservations(
  trx: Transaction<Tables>,
  ownerId: string,
  uploadIds: readonly string[],
): Promise<void> {
  const freed = await trx
    .updateTable('waybill_uploads')
    .set({ reserved: 0 })
    .where('upload_id', 'in', uploadIds)
    .where('owner_id', '=', ownerId)
    .where('state', 'in', endedStates)
    .where('reserved', '=', 1)
    .returning(['owner_id', 'route', 'reserved_bytes'])
    .execute();
  for (const row of freed) await adjustUsage(trx, row, { pending_bytes: -row.reserved_bytes, pending_files: -1 });
}

async function eraseOwner(database: Database, ownerId: string, actor: string | null): Promise<boolean> {
  const { kysely } = database;
  if (await hasUploads(kysely, ownerId)) return false;
  while ((await deleteAuditEntries(database, ownerId)) === maxErasedEntries);
  return kysely.transaction().execute(async (trx) => {
    // The usage is deleted first, because a grant of this owner locks it: the grant is either found below, or begins
    // after this transaction.
    const usage = await trx.deleteFrom('waybill_usage').where('owner_id', '=', ownerId).returningAll().execute();
    if (await hasUploads(trx, ownerId)) {
      if (usage.length > 0) await trx.insertInto('waybill_usage').values(usage).execute();
      return false;
    }
    await writeAudit(database, trx, [{ action: 'forgotten', owner_id: ownerId, upload_id: null, route: null, actor }]);
    return true;
  });
}

async function hasUploads(kysely: Database['kysely'], ownerId: string): Promise<boolean> {
  const found = await kysely
    .selectFrom('waybill_uploads')
    .select('upload_id')
    .where('owner_id', '=', ownerId)
    .limit(1)
    .executeTakeFirst();
  return found !== undefined;
}

async function deleteAuditEntries({ kysely }: Database, ownerId: string): Promise<number> {
  const oldest = await kysely
    .selectFrom('waybill_audit')
    .select('entry_id')
    .where('owner_id', '=', ownerId)
    .orderBy('entry_id')
    .limit(maxErasedEntries)
    .execute();
  return deleteEntries(kysely, oldest);
}
