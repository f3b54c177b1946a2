/** Statements on the row of one upload, shared by states.ts, leases.ts and endings.ts. */
import { type Kysely, sql, type UpdateObject } from 'kysely';
import type { Database } from './database.ts';
import type { UploadRow } from './rows.ts';
import type { Tables } from './schema.ts';

export type UploadChange = UpdateObject<Tables, 'waybill_uploads'>;

export function createUploadChanges({ kysely, now }: Pick<Database, 'kysely' | 'now'>) {
  const later = (ms: number) => sql<number>`${now()} + ${sql.lit(Math.round(ms))}`;

  function update(uploadId: string, values: UploadChange, db: Kysely<Tables> = kysely) {
    return db.updateTable('waybill_uploads').set(values).where('upload_id', '=', uploadId);
  }

  return {
    /** The time `ms` milliseconds from now, by the database's clock. */
    later,
    update,

    /** Changes an upload only while the caller holds its lease: every later holder has raised the fence. */
    updateLeased(uploadId: string, fence: number, values: UploadChange, db?: Kysely<Tables>) {
      return update(uploadId, values, db).where('state', '=', 'completing').where('fence', '=', fence);
    },

    /** The values that give the lease to the caller. */
    leaseValues: (leaseMs: number): UploadChange => ({
      fence: sql<number>`fence + 1`,
      state: 'completing',
      lease_until: later(leaseMs),
      sweep_at: later(leaseMs),
      retry_at: null,
      parked_at: null,
    }),

    selectUpload(uploadId: string): Promise<UploadRow | undefined> {
      return kysely
        .selectFrom('waybill_uploads')
        .selectAll()
        .select(now().as('clock'))
        .where('upload_id', '=', uploadId)
        .executeTakeFirst();
    },
  };
}
