/**
 * The transitions of an upload. Every statement names the states that it may leave and, once there is a lease, the
 * fence of its holder. This file has the statements before a completion; leases.ts and endings.ts have the others.
 */
import { sql } from 'kysely';
import type { Ledger } from '../server/index.ts';
import { type Database, stateLiteral } from './database.ts';
import { createEndings, type EndingMethods } from './endings.ts';
import { createLeases, type LeaseMethods } from './leases.ts';
import { later, updateUpload } from './upload-changes.ts';

export type StateMethods = Pick<Ledger, 'recordMultipart' | 'renewGrant' | 'postponeSweep'> &
  LeaseMethods &
  EndingMethods;

export function createStates(database: Database): StateMethods {
  return {
    recordMultipart: (uploadId, multipartId) => recordMultipart(database, uploadId, multipartId),
    renewGrant: (uploadId, expiresInMs) => renewGrant(database, uploadId, expiresInMs),
    postponeSweep: (uploadId, inMs) => postponeSweep(database, uploadId, inMs),
    ...createLeases(database),
    ...createEndings(database),
  };
}

async function recordMultipart({ kysely }: Database, uploadId: string, multipartId: string): Promise<boolean> {
  const { numUpdatedRows } = await updateUpload(kysely, uploadId, { multipart_id: multipartId })
    .where('state', '=', 'granted')
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

async function renewGrant(database: Database, uploadId: string, expiresInMs: number): Promise<boolean> {
  const expires_at = later(database, expiresInMs);
  const { numUpdatedRows } = await updateUpload(database.kysely, uploadId, {
    expires_at,
    abandon_at: sql<number>`${expires_at} + abandon_after`,
    sweep_at: expires_at,
  })
    .where('state', '=', 'granted')
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

async function postponeSweep(database: Database, uploadId: string, forMs: number): Promise<void> {
  const open = [stateLiteral('granted'), stateLiteral('completing')];
  await updateUpload(database.kysely, uploadId, { sweep_at: later(database, forMs) })
    .where(({ and, eb, or }) =>
      or([
        and([eb('state', 'in', open), eb('parked_at', 'is', null)]),
        // After the end, a parked callback does not concern the reservation.
        and([eb('state', 'not in', open), eb('reserved', '=', 1)]),
      ]),
    )
    .execute();
}
