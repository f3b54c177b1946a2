/** From state to state. Every statement names the states that it may leave, and the fence of whoever leaves them. */
import { type ExpressionBuilder, type Kysely, sql, type Transaction, type UpdateObject } from 'kysely';
import type { Ending, Ledger, NewUpload, QuotaRefusal } from '../server/index.ts';
import { type Database, is, needsObject } from './database.ts';
import { refusalOf } from './quota.ts';
import { reasonOf, recordOf, textOf, type UploadRow } from './rows.ts';
import type { Tables, UsageTable } from './schema.ts';
import { allRoutes, settle } from './usage.ts';

export type StateMethods = Pick<
  Ledger,
  | 'begun'
  | 'renew'
  | 'claim'
  | 'retake'
  | 'calling'
  | 'release'
  | 'failed'
  | 'end'
  | 'abort'
  | 'expire'
  | 'delete'
  | 'lookAgain'
  | 'unpark'
  | 'freeReservation'
>;

/** Who ended an upload clears up behind it within this time; after that the sweep does. */
const closingMs = 60_000;

type Change = UpdateObject<Tables, 'waybill_uploads'>;
type Where = ExpressionBuilder<Tables, 'waybill_uploads'>;

export function createStates(database: Database): StateMethods {
  const { kysely, now } = database;
  const later = (ms: number) => sql<number>`${now()} + ${sql.lit(Math.round(ms))}`;
  const next = sql<number>`fence + 1`;

  function change(uploadId: string, values: Change, db: Kysely<Tables> = kysely) {
    return db.updateTable('waybill_uploads').set(values).where('upload_id', '=', uploadId);
  }

  /** Whoever has the upload, and nobody else. */
  function mine(uploadId: string, fence: number, values: Change, db?: Kysely<Tables>) {
    return change(uploadId, values, db).where('state', '=', 'completing').where('fence', '=', fence);
  }

  async function row(uploadId: string): Promise<UploadRow | undefined> {
    return kysely
      .selectFrom('waybill_uploads')
      .selectAll()
      .select(now().as('clock'))
      .where('upload_id', '=', uploadId)
      .executeTakeFirst();
  }

  const leased = (leaseMs: number): Change => ({
    fence: next,
    state: 'completing',
    lease_until: later(leaseMs),
    sweep_at: later(leaseMs),
    retry_at: null,
    parked_at: null,
  });

  async function fenced(query: ReturnType<typeof mine>): Promise<number | null> {
    const found = await query.returning('fence').executeTakeFirst();
    return found?.fence ?? null;
  }

  /** Its reservation was given back when it expired, and is needed again: the bytes are there. */
  async function claimExpired(
    uploadId: string,
    leaseMs: number,
  ): Promise<{ row: UploadRow; refusal: QuotaRefusal | null } | undefined> {
    return kysely.transaction().execute(async (trx) => {
      const claimed = await change(uploadId, { ...leased(leaseMs), ended_at: null }, trx)
        .where('state', '=', 'expired')
        .returningAll()
        .returning(now().as('clock'))
        .executeTakeFirst();
      if (!claimed) return undefined;
      return { row: claimed, refusal: claimed.reserved === 1 ? null : await reserveAgain(trx, claimed) };
    });
  }

  /** Under the quotas that held when it was granted. */
  async function reserveAgain(trx: Transaction<Tables>, upload: UploadRow): Promise<QuotaRefusal | null> {
    const { upload_id, route, reserved_bytes } = upload;
    const totals = await settle(trx, upload, { pending_bytes: reserved_bytes, pending_files: 1 });
    const without = (name: string): UsageTable => {
      const total = totals.find((row) => row.route === name) as UsageTable;
      return {
        ...total,
        pending_bytes: total.pending_bytes - reserved_bytes,
        pending_files: total.pending_files - 1,
      };
    };
    const quotas: NewUpload['quotas'] =
      upload.quotas === null ? { owner: null, route: null } : JSON.parse(upload.quotas);
    const before = { owner: without(allRoutes), route: without(route) };
    const refusal = refusalOf(quotas, before, { reservedBytes: reserved_bytes });
    if (refusal) await settle(trx, upload, { pending_bytes: -reserved_bytes, pending_files: -1 });
    else await change(upload_id, { reserved: 1 }, trx).execute();
    return refusal;
  }

  /**
   * The end of an upload without a file. Its reservation stays until `freeReservation`: its request may still store, and
   * what it stored may still be there. Should this process die before that, the sweep goes on with it.
   */
  const over = (): Change => ({
    ended_at: now(),
    lease_until: 0,
    sweep_at: sql<number | null>`case when reserved = 1 then ${later(closingMs)} else null end`,
    retry_at: null,
    parked_at: null,
    idempotency_key: null,
  });

  async function endGranted(
    uploadId: string,
    state: 'aborted' | 'expired',
    where: (eb: Where) => ReturnType<Where['and']>,
  ): Promise<boolean> {
    const { numUpdatedRows } = await change(uploadId, { ...over(), state })
      .where('state', '=', 'granted')
      .where(where)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  return {
    async begun(uploadId, multipartId) {
      const { numUpdatedRows } = await change(uploadId, { multipart_id: multipartId })
        .where('state', '=', 'granted')
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    },

    async renew(uploadId, expiresInMs) {
      const { numUpdatedRows } = await change(uploadId, {
        expires_at: later(expiresInMs),
        abandon_at: sql<number>`${later(expiresInMs)} + abandon_after`,
        sweep_at: later(expiresInMs),
      })
        .where('state', '=', 'granted')
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    },

    async claim(uploadId, leaseMs) {
      const claimed = await change(uploadId, leased(leaseMs))
        .where(({ and, eb, or }) =>
          or([
            eb('state', '=', is('granted')),
            and([eb('state', '=', is('completing')), eb('lease_until', '<=', now())]),
          ]),
        )
        .returningAll()
        .returning(now().as('clock'))
        .executeTakeFirst();
      if (claimed) return { fence: claimed.fence, record: recordOf(claimed) };
      const there = await row(uploadId);
      if (!there) return null;
      if (there.state !== 'expired') return { held: recordOf(there) };
      const revived = await claimExpired(uploadId, leaseMs);
      if (revived) {
        const claim = { fence: revived.row.fence, record: recordOf(revived.row) };
        return revived.refusal ? { ...claim, refusal: revived.refusal } : claim;
      }
      const moved = await row(uploadId);
      return moved ? { held: recordOf(moved) } : null;
    },

    retake: (uploadId, fence, leaseMs) => fenced(mine(uploadId, fence, leased(leaseMs))),

    calling: (uploadId, fence, leaseMs) =>
      fenced(
        mine(uploadId, fence, {
          ...leased(leaseMs),
          callback_attempts: sql<number>`callback_attempts + 1`,
          callback_interruptions: sql<number>`callback_interruptions + case when callback_began is null then 0 else 1 end`,
          callback_began: now(),
        }),
      ),

    async release(uploadId, fence) {
      // Where the callback failed, the lease is given up already, and its next try noted.
      await mine(uploadId, fence, { lease_until: 0, sweep_at: now() }).where('lease_until', '>', 0).execute();
    },

    async failed(uploadId, fence, reason, retryInMs) {
      const retry_at = retryInMs === null ? null : later(retryInMs);
      await mine(uploadId, fence, {
        lease_until: 0,
        callback_began: null,
        callback_error: reasonOf(reason),
        retry_at,
        parked_at: retryInMs === null ? now() : null,
        sweep_at: retry_at,
      }).execute();
    },

    end: (uploadId, fence, ending) =>
      kysely.transaction().execute(async (trx) => {
        const changed = mine(
          uploadId,
          fence,
          { ...over(), state: ending.state, callback_began: null, ...outcomeOf(ending) },
          trx,
        );
        // What has no reservation was refused by the quota, and is never a file.
        const ended = await (ending.state === 'completed' ? changed.where('reserved', '=', 1) : changed)
          .returning(['owner_id', 'route', 'reserved_bytes'])
          .executeTakeFirst();
        if (!ended) return false;
        if (ending.state === 'completed')
          await settle(trx, ended, {
            pending_bytes: -ended.reserved_bytes,
            pending_files: -1,
            stored_bytes: ending.file.size,
            stored_files: 1,
          });
        const webhooks = 'webhooks' in ending ? (ending.webhooks ?? []) : [];
        if (webhooks.length > 0)
          await trx
            .insertInto('waybill_webhooks')
            .values(
              webhooks.map(({ webhookId, type, payload }) => ({
                webhook_id: webhookId,
                upload_id: uploadId,
                type,
                payload,
                created_at: now(),
                attempts: 0,
                next_at: now(),
              })),
            )
            .execute();
        return true;
      }),

    async abort(uploadId) {
      if (await endGranted(uploadId, 'aborted', (eb) => eb.and([]))) return true;
      const { numUpdatedRows } = await change(uploadId, { state: 'aborted', ended_at: now() })
        .where('state', '=', 'expired')
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    },

    expire: (uploadId) => endGranted(uploadId, 'expired', (eb) => eb.and([eb('abandon_at', '<=', now())])),

    delete: (of) =>
      kysely.transaction().execute(async (trx) => {
        const target = await trx
          .selectFrom('waybill_uploads')
          .select(['upload_id', 'key'])
          .where('state', '=', 'completed')
          .where((eb) => ('key' in of ? eb('key', '=', of.key) : eb('upload_id', '=', of.uploadId)))
          .orderBy('created_at')
          .limit(1)
          .executeTakeFirst();
        if (!target) return null;
        // Two that share an object and are deleted at once: the second learns that it is the last.
        await database.exclusive(trx, `waybill key ${target.key}`);
        const deleted = await change(
          target.upload_id,
          { state: 'deleted', ended_at: now(), idempotency_key: null },
          trx,
        )
          .where('state', '=', 'completed')
          .returningAll()
          .returning(now().as('clock'))
          .executeTakeFirst();
        if (!deleted) return null;
        // A message says what the file was. One that is still to be delivered goes when its receiver has it.
        await trx
          .deleteFrom('waybill_webhooks')
          .where('upload_id', '=', target.upload_id)
          .where('next_at', 'is', null)
          .execute();
        const record = recordOf(deleted);
        await settle(trx, deleted, { stored_bytes: -(record.file?.size ?? 0), stored_files: -1 });
        const other = await trx
          .selectFrom('waybill_uploads')
          .select('upload_id')
          .where('key', '=', target.key)
          .where(needsObject)
          .limit(1)
          .executeTakeFirst();
        return { record, last: other === undefined };
      }),

    async lookAgain(uploadId, inMs) {
      await change(uploadId, { sweep_at: later(inMs) })
        .where(({ eb, or }) => or([eb('state', 'in', [is('granted'), is('completing')]), eb('reserved', '=', 1)]))
        .where('parked_at', 'is', null)
        .execute();
    },

    freeReservation: (uploadId) =>
      kysely.transaction().execute(async (trx) => {
        const freed = await change(uploadId, { reserved: 0, sweep_at: null }, trx)
          .where('state', 'in', [is('aborted'), is('rejected'), is('expired')])
          .where('reserved', '=', 1)
          .returning(['owner_id', 'route', 'reserved_bytes'])
          .executeTakeFirst();
        if (freed) await settle(trx, freed, { pending_bytes: -freed.reserved_bytes, pending_files: -1 });
        return freed !== undefined;
      }),

    async unpark(uploadId) {
      const { numUpdatedRows } = await change(uploadId, { retry_at: now(), sweep_at: now(), parked_at: null })
        .where('state', '=', 'completing')
        .where(({ eb, or }) => or([eb('parked_at', 'is not', null), eb('retry_at', 'is not', null)]))
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    },
  };
}

function outcomeOf(ending: Ending): Change {
  if (ending.state === 'rejected') return { error: JSON.stringify(ending.error) };
  if (ending.state !== 'completed') return {};
  const { file, data } = ending;
  return {
    file: JSON.stringify(file),
    data: textOf(data ?? null),
    reserved: 0,
    sweep_at: null,
    // A grant call that is repeated after the completion finds the file.
    idempotency_key: sql<string | null>`idempotency_key`,
    size: file.size,
    checksum_algorithm: file.checksum?.algorithm ?? null,
    checksum: file.checksum?.value ?? null,
    checksum_parts: file.checksum?.parts ?? null,
  };
}
