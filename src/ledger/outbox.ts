/** The outbox: webhooks that wait for their delivery. */
import { sql, type Transaction } from 'kysely';
import type { Ledger, WebhookRecord } from '../server/index.ts';
import type { NewWebhook } from '../server/internal.ts';
import { formatCursor, isAfterCursor, parseCursor } from './cursor.ts';
import { type Database, evaluateOnce, stateLiteral } from './database.ts';
import { rowToWebhook, storableReason } from './rows.ts';
import type { Tables } from './schema.ts';
import { later } from './upload-changes.ts';

export type OutboxMethods = Pick<
  Ledger,
  'takeWebhooks' | 'recordWebhookDelivery' | 'recordWebhookFailure' | 'listWebhooks' | 'replayWebhook'
>;

const maxPageSize = 1000;

export function createOutbox(database: Database): OutboxMethods {
  return {
    takeWebhooks: (limit, forMs) => takeWebhooks(database, limit, forMs),
    recordWebhookDelivery: (webhookId) => recordWebhookDelivery(database, webhookId),
    recordWebhookFailure: (webhookId, reason, retryInMs) =>
      recordWebhookFailure(database, webhookId, reason, retryInMs),
    listWebhooks: (filter) => listWebhooks(database, filter),
    replayWebhook: (webhookId) => replayWebhook(database, webhookId),
  };
}

/** Adds the messages of one upload, except those that are in the outbox already. */
export async function insertWebhooks(
  { now }: Database,
  trx: Transaction<Tables>,
  uploadId: string,
  webhooks: readonly NewWebhook[],
): Promise<void> {
  for (const { webhookId, type, payload } of webhooks) {
    // An upload may expire twice, when a completion that began after the first time did not end.
    const existing = await trx
      .selectFrom('waybill_webhooks')
      .select('webhook_id')
      .where('webhook_id', '=', webhookId)
      .executeTakeFirst();
    if (existing) continue;
    const times = { created_at: now(), next_at: now() };
    await trx
      .insertInto('waybill_webhooks')
      .values({ webhook_id: webhookId, upload_id: uploadId, type, payload, attempts: 0, ...times })
      .execute();
  }
}

function takeWebhooks(database: Database, limit: number, forMs: number): Promise<WebhookRecord[]> {
  const { kysely, now } = database;
  return kysely.transaction().execute(async (trx) => {
    const query = trx
      .selectFrom('waybill_webhooks')
      .select('webhook_id')
      .where('next_at', '<=', evaluateOnce(now()))
      .orderBy('next_at')
      .limit(limit);
    const due = await (database.skipLocked ? query.forUpdate().skipLocked() : query).execute();
    if (due.length === 0) return [];
    const taken = await trx
      .updateTable('waybill_webhooks')
      .set({ next_at: later(database, forMs), attempts: sql<number>`attempts + 1` })
      .where(
        'webhook_id',
        'in',
        due.map(({ webhook_id }) => webhook_id),
      )
      .returningAll()
      .execute();
    return taken.map(rowToWebhook).sort((a, b) => a.createdAt - b.createdAt);
  });
}

async function recordWebhookDelivery({ kysely, now }: Database, webhookId: string): Promise<void> {
  await kysely
    .updateTable('waybill_webhooks')
    .set({ next_at: null, parked_at: null, last_error: null, delivered_at: now() })
    .where('webhook_id', '=', webhookId)
    .execute();
  // The webhooks of a deleted upload are deleted with it, except those that were still to be delivered. This deletes
  // such a webhook now.
  await kysely
    .deleteFrom('waybill_webhooks')
    .where('webhook_id', '=', webhookId)
    .where((eb) =>
      eb.exists(
        eb
          .selectFrom('waybill_uploads')
          .select('upload_id')
          .whereRef('waybill_uploads.upload_id', '=', 'waybill_webhooks.upload_id')
          .where('state', '=', stateLiteral('deleted')),
      ),
    )
    .execute();
}

async function recordWebhookFailure(
  database: Database,
  webhookId: string,
  reason: string,
  retryInMs: number | null,
): Promise<void> {
  await database.kysely
    .updateTable('waybill_webhooks')
    .set({
      last_error: storableReason(reason),
      next_at: retryInMs === null ? null : later(database, retryInMs),
      parked_at: retryInMs === null ? database.now() : null,
    })
    .where('webhook_id', '=', webhookId)
    // A sender that took longer than its time must not overwrite the result of another sender.
    .where('next_at', 'is not', null)
    .execute();
}

async function listWebhooks(
  { kysely }: Database,
  { state, after, limit = 50 }: NonNullable<Parameters<Ledger['listWebhooks']>[0]> = {},
): Promise<{ webhooks: WebhookRecord[]; next: string | null }> {
  const pageSize = Math.min(limit, maxPageSize);
  let query = kysely
    .selectFrom('waybill_webhooks')
    .selectAll()
    .orderBy('created_at', 'desc')
    .orderBy('webhook_id', 'desc')
    .limit(pageSize);
  if (state === 'pending') query = query.where('next_at', 'is not', null);
  // `delivered_at` is not enough: a webhook that was replayed after its delivery may be parked.
  if (state === 'delivered') query = query.where('next_at', 'is', null).where('parked_at', 'is', null);
  if (state === 'parked') query = query.where('parked_at', 'is not', null);
  const from = parseCursor(after);
  if (from) query = query.where(isAfterCursor(['created_at', 'webhook_id'], from));
  const found = await query.execute();
  const last = found.at(-1);
  return {
    webhooks: found.map(rowToWebhook),
    next: found.length === pageSize && last ? formatCursor({ position: last.created_at, id: last.webhook_id }) : null,
  };
}

async function replayWebhook({ kysely, now }: Database, webhookId: string): Promise<boolean> {
  const { numUpdatedRows } = await kysely
    .updateTable('waybill_webhooks')
    .set({ next_at: now(), parked_at: null, attempts: 0 })
    .where('webhook_id', '=', webhookId)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}
