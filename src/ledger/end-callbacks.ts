/**
 * The callbacks that run because an upload has ended: `onReject`, `onExpire` and `onDelete`. The end of the upload sets
 * `pending_callback` in the same statement. `retry_at` says when a process may take the callback next.
 */
import { sql } from 'kysely';
import type { Ledger, UploadRecord } from '../server/index.ts';
import { type Database, evaluateOnce } from './database.ts';
import { rowToRecord, storableReason } from './rows.ts';
import { interruptions, later, selectUploads, type UploadChange, updateUpload } from './upload-changes.ts';

export type EndCallbackMethods = Pick<
  Ledger,
  'findDueEndCallbacks' | 'takeEndCallback' | 'keepEndCallback' | 'recordEndCallbackReturn' | 'recordEndCallbackFailure'
>;

export function createEndCallbacks(database: Database): EndCallbackMethods {
  return {
    findDueEndCallbacks: (limit) => selectDueEndCallbacks(database, limit),
    takeEndCallback: (uploadId, forMs) => takeEndCallback(database, uploadId, forMs),
    async keepEndCallback(uploadId, fence, forMs) {
      const change = { retry_at: later(database, forMs) };
      const { numUpdatedRows } = await updateTaken(database, uploadId, fence, change).executeTakeFirst();
      return numUpdatedRows > 0n;
    },
    async recordEndCallbackReturn(uploadId, fence) {
      const change = { pending_callback: null, callback_began: null, callback_error: null, retry_at: null };
      await updateTaken(database, uploadId, fence, change).execute();
    },
    async recordEndCallbackFailure(uploadId, fence, reason, retryInMs) {
      await updateTaken(database, uploadId, fence, {
        callback_began: null,
        callback_error: storableReason(reason),
        retry_at: retryInMs === null ? null : later(database, retryInMs),
        parked_at: retryInMs === null ? database.now() : null,
      }).execute();
    },
  };
}

/** Changes an upload only while the caller has its callback: every process that takes it later raises the fence. */
function updateTaken({ kysely }: Database, uploadId: string, fence: number, values: UploadChange) {
  return updateUpload(kysely, uploadId, values).where('fence', '=', fence).where('pending_callback', 'is not', null);
}

async function selectDueEndCallbacks(database: Database, limit: number): Promise<UploadRecord[]> {
  const due = await selectUploads(database)
    .where('retry_at', '<=', evaluateOnce(database.now()))
    .where('pending_callback', 'is not', null)
    .orderBy('retry_at')
    .limit(limit)
    .execute();
  return due.map(rowToRecord);
}

async function takeEndCallback(database: Database, uploadId: string, forMs: number): Promise<UploadRecord | null> {
  const { kysely, now } = database;
  const taken = await updateUpload(kysely, uploadId, {
    fence: sql<number>`fence + 1`,
    retry_at: later(database, forMs),
    callback_attempts: sql<number>`callback_attempts + 1`,
    callback_interruptions: interruptions,
    callback_began: now(),
  })
    .where('pending_callback', 'is not', null)
    .where('retry_at', '<=', now())
    .returningAll()
    .returning(now().as('clock'))
    .executeTakeFirst();
  return taken ? rowToRecord(taken) : null;
}
