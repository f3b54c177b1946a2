/** Statements on the row of one upload, shared by states.ts, leases.ts and endings.ts. */
import { type Kysely, type RawBuilder, sql, type UpdateObject } from 'kysely';
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
  };
}

/** Selects from the uploads, with the database's clock in each row. */
export function selectUploads({ kysely, now }: Database) {
  return kysely.selectFrom('waybill_uploads').selectAll().select(now().as('clock'));
}

export async function selectUpload(database: Database, uploadId: string): Promise<UploadRow | undefined> {
  return selectUploads(database).where('upload_id', '=', uploadId).executeTakeFirst();
}
