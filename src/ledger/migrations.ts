/** The schema's versions, oldest first. A version that was released is never edited: the next one changes it. */
import { type Kysely, sql, type Transaction } from 'kysely';
import { WaybillError } from '../protocol/index.ts';
import type { Database } from './database.ts';
import type { Tables } from './schema.ts';

type Step = (trx: Transaction<Tables>) => Promise<void>;

/** Statements that both databases take as they are. */
const first = `
create table waybill_uploads (
  upload_id text primary key,
  route text not null,
  owner_id text not null,
  key text not null,
  file_name text not null,
  content_type text not null,
  size bigint,
  part_size bigint,
  transfer text not null,
  checksum_algorithm text,
  checksum text,
  checksum_parts integer,
  metadata text,
  state text not null,
  fence integer not null default 0,
  lease_until bigint not null default 0,
  multipart_id text,
  reserved_bytes bigint not null,
  created_at bigint not null,
  expires_at bigint not null,
  abandon_at bigint not null,
  abandon_after bigint not null,
  ended_at bigint,
  file text,
  data text,
  error text,
  callback_attempts integer not null default 0,
  callback_interruptions integer not null default 0,
  callback_began bigint,
  callback_error text,
  retry_at bigint,
  parked_at bigint,
  sweep_at bigint
);
create index waybill_uploads_sweep on waybill_uploads (sweep_at) where sweep_at is not null;
create index waybill_uploads_key on waybill_uploads (key);
create index waybill_uploads_owner on waybill_uploads (owner_id, state, created_at, upload_id);
create index waybill_uploads_route on waybill_uploads (route, state, created_at, upload_id);
create index waybill_uploads_state on waybill_uploads (state, created_at, upload_id);
create index waybill_uploads_same on waybill_uploads (owner_id, route, checksum, size)
  where state = 'completed' and checksum_algorithm = 'sha256' and checksum_parts is null;
create index waybill_uploads_parked on waybill_uploads (created_at, upload_id) where parked_at is not null;
create index waybill_uploads_retry on waybill_uploads (retry_at) where retry_at is not null;
create index waybill_uploads_ended on waybill_uploads (ended_at)
  where state in ('rejected', 'expired', 'aborted', 'deleted');
create table waybill_usage (
  owner_id text not null,
  route text not null,
  stored_bytes bigint not null,
  stored_files bigint not null,
  pending_bytes bigint not null,
  pending_files bigint not null,
  primary key (owner_id, route)
);
create index waybill_usage_largest on waybill_usage (stored_bytes, owner_id, stored_files) where route = '';
create table waybill_webhooks (
  webhook_id text primary key,
  upload_id text not null,
  type text not null,
  payload text not null,
  created_at bigint not null,
  attempts integer not null default 0,
  next_at bigint,
  delivered_at bigint,
  parked_at bigint,
  last_error text
);
create index waybill_webhooks_next on waybill_webhooks (next_at) where next_at is not null;
create index waybill_webhooks_pending on waybill_webhooks (created_at, webhook_id) where next_at is not null;
create index waybill_webhooks_created on waybill_webhooks (created_at, webhook_id);
create index waybill_webhooks_parked on waybill_webhooks (created_at, webhook_id) where parked_at is not null;
create table waybill_locks (name text primary key, holder text not null, until bigint not null);
create table waybill_sweeps (
  started_at bigint primary key,
  ended_at bigint not null,
  report text not null,
  orphans text not null
)`;

const statements = (text: string): Step => {
  const each = text.split(';').map((one) => one.trim());
  return async (trx) => {
    for (const one of each) await sql.raw(one).execute(trx);
  };
};

/** Messages are deleted with their upload. */
const webhooksOfUpload = 'create index waybill_webhooks_upload on waybill_webhooks (upload_id)';

/** Reservations that outlast the end of their upload, quotas that are asked again, and keys of repeated grant calls. */
const reservations = `
alter table waybill_uploads add column reserved integer not null default 0;
alter table waybill_uploads add column quotas text;
alter table waybill_uploads add column idempotency_key text;
update waybill_uploads set reserved = 1 where state in ('granted', 'completing');
create unique index waybill_uploads_idempotency on waybill_uploads (owner_id, route, idempotency_key)
  where idempotency_key is not null`;

const steps: readonly Step[] = [statements(first), statements(webhooksOfUpload), statements(reservations)];

const newestVersion = steps.length;

/** Versions there are; 0 for a database that has never been a ledger. */
async function schemaVersion({ kysely }: Pick<Database, 'kysely'>): Promise<number> {
  await prepareTable(kysely);
  return versionIn(kysely);
}

/**
 * Brings the schema up to date, under a lock: several replicas may start at once.
 *
 * @returns the versions that were added
 * @throws {WaybillError} `config_invalid` when the database is of a newer Waybill
 */
export async function migrate(database: Database): Promise<number[]> {
  const { kysely, now } = database;
  // The usual start waits for nobody.
  if ((await schemaVersion(database)) === newestVersion) return [];
  return kysely.transaction().execute(async (trx) => {
    await database.exclusive(trx, 'waybill migrations');
    const version = await versionIn(trx);
    refuseNewer(version);
    const added: number[] = [];
    for (let next = version + 1; next <= newestVersion; next += 1) {
      await (steps[next - 1] as Step)(trx);
      await trx.insertInto('waybill_migrations').values({ version: next, migrated_at: now() }).execute();
      added.push(next);
    }
    return added;
  });
}

export interface SchemaVersions {
  from: number;
  to: number;
  newest: number;
}

/** For a command that does nothing else. @param check only look */
export async function migrateAndClose(database: Database, check: boolean): Promise<SchemaVersions> {
  try {
    const from = await schemaVersion(database);
    if (!check) await migrate(database);
    return { from, to: await schemaVersion(database), newest: newestVersion };
  } finally {
    await database.close();
  }
}

/** @throws {WaybillError} `config_invalid` unless the schema is exactly this version's */
export async function requireCurrent(database: Database): Promise<void> {
  const version = await schemaVersion(database);
  refuseNewer(version);
  if (version < newestVersion)
    throw new WaybillError(
      'config_invalid',
      `The ledger has version ${version} of the schema, and this Waybill needs ${newestVersion}: run \`waybill migrate\`.`,
    );
}

function refuseNewer(version: number): void {
  if (version > newestVersion)
    throw new WaybillError(
      'config_invalid',
      `The ledger was migrated by a newer Waybill (its schema has version ${version}, this one knows ${newestVersion}).`,
    );
}

async function prepareTable(kysely: Kysely<Tables>): Promise<void> {
  await sql
    .raw('create table if not exists waybill_migrations (version integer primary key, migrated_at bigint not null)')
    .execute(kysely)
    // Two that create it at once: one of them is told so by Postgres, in the words of its catalogue.
    .catch(async (error) => {
      await versionIn(kysely).catch(() => {
        throw error;
      });
    });
}

async function versionIn(kysely: Kysely<Tables>): Promise<number> {
  const row = await kysely
    .selectFrom('waybill_migrations')
    .select(({ fn }) => fn.max('version').as('version'))
    .executeTakeFirst();
  return Number(row?.version ?? 0);
}
