/** The numbers of uploads, callbacks and webhooks, for metrics and the operator's page. */
import { sql } from 'kysely';
import type { Counts, Ledger, UploadState } from '../server/index.ts';
import { type Database, stateLiteral } from './database.ts';

export type CountMethods = Pick<Ledger, 'counts'>;

export function createCounts({ kysely, now }: Database): CountMethods {
  async function countUploads(state: UploadState): Promise<number> {
    const found = await kysely
      .selectFrom('waybill_uploads')
      .select(({ fn }) => fn.countAll<number>().as('n'))
      .where('state', '=', state)
      .executeTakeFirstOrThrow();
    return Number(found.n);
  }

  async function countWebhooks(column: 'next_at' | 'parked_at'): Promise<number> {
    const found = await kysely
      .selectFrom('waybill_webhooks')
      .select(({ fn }) => fn.countAll<number>().as('n'))
      .where(column, 'is not', null)
      .executeTakeFirstOrThrow();
    return Number(found.n);
  }

  return {
    async counts() {
      const rareStates: UploadState[] = ['granted', 'completing', 'rejected', 'expired', 'aborted', 'deleted'];
      const states = Object.fromEntries(
        await Promise.all(rareStates.map(async (state) => [state, await countUploads(state)] as const)),
      ) as Counts['states'];
      // There are too many completed uploads to count. The usage rows of their owners contain the number.
      const stored = await kysely
        .selectFrom('waybill_usage')
        .select(({ fn }) => fn.sum<number>('stored_files').as('n'))
        .where('route', '=', sql.lit(''))
        .executeTakeFirst();
      states.completed = Number(stored?.n ?? 0);
      const waiting = await kysely
        .selectFrom('waybill_uploads')
        .select(({ fn }) => fn.countAll<number>().as('n'))
        .where('retry_at', 'is not', null)
        .executeTakeFirstOrThrow();
      const parked = await kysely
        .selectFrom('waybill_uploads')
        .select(({ fn }) => fn.countAll<number>().as('n'))
        .where('parked_at', 'is not', null)
        .executeTakeFirstOrThrow();
      const oldest = await kysely
        .selectFrom('waybill_uploads')
        .select(({ fn }) => fn.min('created_at').as('at'))
        .select(now().as('clock'))
        .where('state', '=', stateLiteral('completing'))
        .executeTakeFirst();
      const oldestCreatedAt = oldest?.at ?? null;
      return {
        states,
        parkedCallbacks: Number(parked.n),
        waitingCallbacks: Number(waiting.n),
        pendingWebhooks: await countWebhooks('next_at'),
        parkedWebhooks: await countWebhooks('parked_at'),
        callbackLagMs: oldest && oldestCreatedAt !== null ? Math.max(0, oldest.clock - oldestCreatedAt) : 0,
      };
    },
  };
}
