/** Statements on the row of one upload, shared by states.ts, leases.ts and endings.ts. */
import { type Kysely, type RawBuilder, sql, type UpdateObject } from 'kysely';
import type { PendingCallback } from '../server/index.ts';
import type { Database } from './database.ts';
import type { UploadRow } from './rows.ts';
import type { Tables } from './schema.ts';

export type UploadChange = UpdateObject<Tables, 'waybill_uploads'>;

/** The time `ms` milliseconds from now, by the database's clock. */
export function later({ now }: Pick<Database, 'now'>, ms: number): RawBuilder<number> {
  return sql<number>`${now()} + ${sql.lit(Math.round(ms))}`;
}

export function updateUpload(db: Kysely<Tables>, uploadId: string, values: UploadChange) {
  return db.updateTable('waybill_uploads').set(values).where('upload_id', '=', uploadId);
}

/** Changes an upload only while the caller holds its lease: every later holder has raised the fence. */
export function updateLeased(db: Kysely<Tables>, uploadId: string, fence: number, values: UploadChange) {
  return updateUpload(db, uploadId, values).where('state', '=', 'completing').where('fence', '=', fence);
}

/** The values that give the lease to the caller. */
export function leaseValues(database: Database, leaseMs: number): UploadChange {
  return {
    fence: sql<number>`fence + 1`,
    state: 'completing',
    lease_until: later(database, leaseMs),
    sweep_at: later(database, leaseMs),
    retry_at: null,
    parked_at: null,
    // An upload that continues after its expiry no longer needs `onExpire`.
    pending_callback: null,
  };
}

/** The number of interruptions when a callback begins: an earlier callback that has not ended was interrupted. */
export const interruptions = sql<number>`callback_interruptions + case when callback_began is null then 0 else 1 end`;

/** The values that make a callback due. They replace what was recorded of an earlier callback. */
export function callbackValues({ now }: Database, callback: PendingCallback | undefined): UploadChange {
  if (callback === undefined) return {};
  return {
    pending_callback: JSON.stringify(callback),
    retry_at: now(),
    callback_attempts: 0,
    callback_interruptions: 0,
    callback_began: null,
    callback_error: null,
  };
}

/** Selects from the uploads, with the database's clock in each row. */
export function selectUploads({ kysely, now }: Database) {
  return kysely.selectFrom('waybill_uploads').selectAll().select(now().as('clock'));
}

export async function selectUpload(database: Database, uploadId: string): Promise<UploadRow | undefined> {
  return selectUploads(database).where('upload_id', '=', uploadId).executeTakeFirst();
}
