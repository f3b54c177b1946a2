/**
 * The statements that end an upload: as completed, rejected, aborted, expired or deleted. They also free the
 * reservation, which an upload that ends without a file keeps for a while.
 */
import { type ExpressionBuilder, sql, type Transaction } from 'kysely';
import type { Deletion, Ledger, UploadRecord } from '../server/index.ts';
import type { EndEffects, Ending } from '../server/internal.ts';
import { writeAudit } from './audit.ts';
import { type Database, needsObject, stateLiteral } from './database.ts';
import { insertWebhooks } from './outbox.ts';
import { rowToRecord, toJsonText } from './rows.ts';
import type { Tables } from './schema.ts';
import { callbackValues, later, type UploadChange, updateLeased, updateUpload } from './upload-changes.ts';
import { adjustUsage } from './usage.ts';

export type EndingMethods = Pick<Ledger, 'end' | 'abort' | 'expire' | 'delete' | 'freeReservation'>;

type Where = ExpressionBuilder<Tables, 'waybill_uploads'>;

/** The process that ends an upload also deletes its objects. After this time the sweep deletes them instead. */
const cleanupMs = 60_000;

export function createEndings(database: Database): EndingMethods {
  return {
    end: (uploadId, fence, ending) => endLeased(database, uploadId, fence, ending),
    abort: (uploadId) => abortUpload(database, uploadId),
    expire: (uploadId, effects = {}) =>
      endGranted(database, uploadId, { ...effects, state: 'expired' }, (eb) =>
        eb.and([eb('abandon_at', '<=', database.now())]),
      ),
    delete: (of, effectsOf) => deleteUpload(database, of, effectsOf),
    freeReservation: (uploadId) => freeReservation(database, uploadId),
  };
}

async function endLeased(database: Database, uploadId: string, fence: number, ending: Ending): Promise<boolean> {
  return database.kysely.transaction().execute(async (trx) => {
    const changed = updateLeased(trx, uploadId, fence, {
      ...commonEndValues(database),
      state: ending.state,
      callback_began: null,
      ...outcomeValues(ending),
      ...callbackValues(database, ending.callback),
    });
    // An upload without a reservation was refused by the quota and must never become a file.
    const ended = await (ending.state === 'completed' ? changed.where('reserved', '=', 1) : changed)
      .returning([...endedColumns, 'reserved_bytes'])
      .executeTakeFirst();
    if (!ended) return false;
    if (ending.state === 'completed')
      await adjustUsage(trx, ended, {
        pending_bytes: -ended.reserved_bytes,
        pending_files: -1,
        stored_bytes: ending.file.size,
        stored_files: 1,
      });
    await insertWebhooks(database, trx, uploadId, ending.webhooks ?? []);
    const details = ending.state === 'rejected' ? { code: ending.error.code } : {};
    await auditEnd(database, trx, ended, ending.state, details);
    return true;
  });
}

const endedColumns = ['upload_id', 'owner_id', 'route', 'created_at'] as const;

type EndedRow = Pick<Tables['waybill_uploads'], (typeof endedColumns)[number]>;

/** The entry has no actor: such an end follows from what has arrived, or from the time. */
async function auditEnd(
  database: Database,
  trx: Transaction<Tables>,
  { upload_id, owner_id, route, created_at }: EndedRow,
  action: Ending['state'],
  more: Record<string, unknown> = {},
): Promise<void> {
  const details = { grantedAt: created_at, ...more };
  await writeAudit(database, trx, [{ action, upload_id, owner_id, route, actor: null, details }]);
}

async function abortUpload(database: Database, uploadId: string): Promise<boolean> {
  if (await endGranted(database, uploadId, { state: 'aborted' }, (eb) => eb.and([]))) return true;
  return database.kysely.transaction().execute(async (trx) => {
    const aborted = await updateUpload(trx, uploadId, { state: 'aborted', ended_at: database.now() })
      .where('state', '=', 'expired')
      .returning(endedColumns)
      .executeTakeFirst();
    if (aborted) await auditEnd(database, trx, aborted, 'aborted');
    return aborted !== undefined;
  });
}

async function endGranted(
  database: Database,
  uploadId: string,
  { state, webhooks = [], callback }: EndEffects & { state: 'aborted' | 'expired' },
  where: (eb: Where) => ReturnType<Where['and']>,
): Promise<boolean> {
  const { kysely } = database;
  const values = { ...commonEndValues(database), ...callbackValues(database, callback), state };
  return kysely.transaction().execute(async (trx) => {
    const ended = await updateUpload(trx, uploadId, values)
      .where('state', '=', 'granted')
      .where(where)
      .returning(endedColumns)
      .executeTakeFirst();
    if (!ended) return false;
    await insertWebhooks(database, trx, uploadId, webhooks);
    await auditEnd(database, trx, ended, state);
    return true;
  });
}

async function deleteUpload(
  database: Database,
  of: { uploadId: string } | { key: string },
  effectsOf: ((record: UploadRecord) => EndEffects) | undefined,
): Promise<{ record: UploadRecord; last: boolean } | null> {
  return database.kysely.transaction().execute(async (trx) => {
    const target = await trx
      .selectFrom('waybill_uploads')
      .selectAll()
      .select(database.now().as('clock'))
      .where('state', '=', 'completed')
      .where((eb) => ('key' in of ? eb('key', '=', of.key) : eb('upload_id', '=', of.uploadId)))
      .orderBy('created_at')
      .limit(1)
      .executeTakeFirst();
    if (!target) return null;
    // Two uploads that share an object may be deleted at the same time. The lock makes exactly one of them, the
    // second, find that no other upload needs the object.
    await database.takeLock(trx, `waybill key ${target.key}`);
    const { webhooks = [], callback, deletion } = effectsOf?.(rowToRecord(target)) ?? {};
    const ended: UploadChange = { state: 'deleted', ended_at: database.now(), idempotency_key: null };
    const values: UploadChange = { ...ended, ...callbackValues(database, callback) };
    const deleted = await updateUpload(trx, target.upload_id, values)
      .where('state', '=', 'completed')
      .returningAll()
      .returning(database.now().as('clock'))
      .executeTakeFirst();
    if (!deleted) return null;
    await deleteDeliveredWebhooks(trx, target.upload_id);
    await insertWebhooks(database, trx, target.upload_id, webhooks);
    await auditDeletion(database, trx, deleted, deletion);
    const record = rowToRecord(deleted);
    await adjustUsage(trx, deleted, { stored_bytes: -(record.file?.size ?? 0), stored_files: -1 });
    const other = await trx
      .selectFrom('waybill_uploads')
      .select('upload_id')
      .where('key', '=', target.key)
      .where(needsObject)
      .limit(1)
      .executeTakeFirst();
    return { record, last: other === undefined };
  });
}

async function auditDeletion(
  database: Database,
  trx: Transaction<Tables>,
  { upload_id, owner_id, route }: EndedRow,
  deletion: Deletion | undefined,
): Promise<void> {
  const actor = deletion?.actor ?? null;
  const details = deletion && { details: { reason: deletion.reason } };
  await writeAudit(database, trx, [{ action: 'deleted', upload_id, owner_id, route, actor, ...details }]);
}

/**
 * Webhooks contain facts about the file, so the delivered ones are deleted with it. A webhook that is still to be
 * delivered is deleted after its delivery: see `recordWebhookDelivery` in outbox.ts.
 */
async function deleteDeliveredWebhooks(trx: Transaction<Tables>, uploadId: string): Promise<void> {
  await trx.deleteFrom('waybill_webhooks').where('upload_id', '=', uploadId).where('next_at', 'is', null).execute();
}

async function freeReservation({ kysely }: Database, uploadId: string): Promise<boolean> {
  return kysely.transaction().execute(async (trx) => {
    const freed = await updateUpload(trx, uploadId, { reserved: 0, sweep_at: null })
      .where('state', 'in', [stateLiteral('aborted'), stateLiteral('rejected'), stateLiteral('expired')])
      .where('reserved', '=', 1)
      .returning(['owner_id', 'route', 'reserved_bytes'])
      .executeTakeFirst();
    if (freed) await adjustUsage(trx, freed, { pending_bytes: -freed.reserved_bytes, pending_files: -1 });
    return freed !== undefined;
  });
}

/**
 * The values that every ended upload gets; {@link outcomeValues} adds those of one outcome. The reservation stays until
 * `freeReservation`, unless the upload is completed: the signed request may still store bytes, and bytes that it has
 * stored may still exist.
 */
function commonEndValues(database: Database): UploadChange {
  return {
    ended_at: database.now(),
    lease_until: 0,
    sweep_at: sql<number | null>`case when reserved = 1 then ${later(database, cleanupMs)} else null end`,
    retry_at: null,
    parked_at: null,
    idempotency_key: null,
  };
}

/** The values that only this outcome sets. They override those that every ended upload gets. */
function outcomeValues(ending: Ending): UploadChange {
  if (ending.state === 'rejected') return { error: JSON.stringify(ending.error) };
  if (ending.state !== 'completed') return {};
  const { file, data } = ending;
  return {
    file: JSON.stringify(file),
    data: toJsonText(data ?? null),
    reserved: 0,
    sweep_at: null,
    // The key is kept, so that a grant call that is repeated after the completion finds the file.
    idempotency_key: sql<string | null>`idempotency_key`,
    size: file.size,
    checksum_algorithm: file.checksum?.algorithm ?? null,
    checksum: file.checksum?.value ?? null,
    checksum_parts: file.checksum?.parts ?? null,
  };
}
