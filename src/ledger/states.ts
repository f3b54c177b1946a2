/**
 * The transitions of an upload. Every statement names the states that it may leave and, once there is a lease, the
 * fence of its holder. This file has the statements before a completion; leases.ts and endings.ts have the others.
 */
import { sql } from 'kysely';
import type { Ledger } from '../server/index.ts';
import { type Database, stateLiteral } from './database.ts';
import { createEndings, type EndingMethods } from './endings.ts';
import { createLeases, type LeaseMethods } from './leases.ts';
import { createUploadChanges } from './upload-changes.ts';

export type StateMethods = Pick<Ledger, 'begun' | 'renew' | 'lookAgain'> & LeaseMethods & EndingMethods;

export function createStates(database: Database): StateMethods {
  const { later, update } = createUploadChanges(database);

  return {
    async begun(uploadId, multipartId) {
      const { numUpdatedRows } = await update(uploadId, { multipart_id: multipartId })
        .where('state', '=', 'granted')
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    },

    async renew(uploadId, expiresInMs) {
      const { numUpdatedRows } = await update(uploadId, {
        expires_at: later(expiresInMs),
        abandon_at: sql<number>`${later(expiresInMs)} + abandon_after`,
        sweep_at: later(expiresInMs),
      })
        .where('state', '=', 'granted')
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    },

    async lookAgain(uploadId, inMs) {
      const open = [stateLiteral('granted'), stateLiteral('completing')];
      await update(uploadId, { sweep_at: later(inMs) })
        .where(({ eb, or }) => or([eb('state', 'in', open), eb('reserved', '=', 1)]))
        .where('parked_at', 'is', null)
        .execute();
    },

    ...createLeases(database),
    ...createEndings(database),
  };
}
