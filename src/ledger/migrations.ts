/** The versions of the schema, oldest first. A released version is never edited; a new version changes the schema. */
import { type Kysely, sql, type Transaction } from 'kysely';
import { WaybillError } from '../protocol/index.ts';
import type { Database } from './database.ts';
import type { Tables } from './schema.ts';

type Step = (trx: Transaction<Tables>, kind: Database['kind']) => Promise<void>;

/** Contains only statements that both databases understand. */
const initialTables = `
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
  const list = text.split(';').map((statement) => statement.trim());
  return async (trx) => {
    for (const statement of list) await sql.raw(statement).execute(trx);
  };
};

/** Webhooks are deleted with their upload. */
const webhooksOfUpload = 'create index waybill_webhooks_upload on waybill_webhooks (upload_id)';

/**
 * Columns for reservations that outlast the end of an upload, for quotas that apply again, and for idempotency keys.
 */
const reservations = `
alter table waybill_uploads add column reserved integer not null default 0;
alter table waybill_uploads add column quotas text;
alter table waybill_uploads add column idempotency_key text;
update waybill_uploads set reserved = 1 where state in ('granted', 'completing');
create unique index waybill_uploads_idempotency on waybill_uploads (owner_id, route, idempotency_key)
  where idempotency_key is not null`;

/** The callbacks `onReject`, `onExpire` and `onDelete`, which run after the end of their upload. */
const pendingCallbacks = 'alter table waybill_uploads add column pending_callback text';

/** The audit trail, and an index for the files of one owner on one route, the newest first. */
const auditAndFiles: Step = async (trx, kind) => {
  const { schema } = trx;
  await schema
    .createTable('waybill_audit')
    // Postgres and the other databases number rows in different ways.
    .addColumn('entry_id', kind === 'postgres' ? 'bigserial' : 'integer', (column) =>
      kind === 'postgres' ? column.primaryKey() : column.primaryKey().autoIncrement(),
    )
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('action', 'varchar(16)', (column) => column.notNull())
    .addColumn('upload_id', 'varchar(64)')
    .addColumn('route', 'varchar(64)')
    .addColumn('owner_id', 'varchar(255)', (column) => column.notNull())
    .addColumn('actor', 'varchar(255)')
    .addColumn('details', 'text')
    .execute();
  const index = (name: string, columns: readonly string[]) =>
    schema
      .createIndex(name)
      .on('waybill_audit')
      .columns([...columns])
      .execute();
  await index('waybill_audit_owner', ['owner_id', 'entry_id']);
  await index('waybill_audit_upload', ['upload_id', 'entry_id']);
  await schema
    .createIndex('waybill_uploads_files')
    .on('waybill_uploads')
    .columns(['owner_id', 'route', 'created_at', 'upload_id'])
    .where(sql<boolean>`state = 'completed'`)
    .execute();
};

const steps: readonly Step[] = [
  statements(initialTables),
  statements(webhooksOfUpload),
  statements(reservations),
  statements(pendingCallbacks),
  auditAndFiles,
];

const newestVersion = steps.length;

/** @returns 0 for a database that has never been a ledger */
async function readSchemaVersion({ kysely }: Pick<Database, 'kysely'>): Promise<number> {
  await createMigrationTable(kysely);
  return selectVersion(kysely);
}

/**
 * Migrates the schema, under a lock because several replicas may start at the same time.
 *
 * @returns the versions that were added
 * @throws {WaybillError} `config_invalid` when the schema is newer than this version of Waybill
 */
export async function migrate(database: Database): Promise<number[]> {
  const { kysely, now } = database;
  // A schema that is up to date needs no lock.
  if ((await readSchemaVersion(database)) === newestVersion) return [];
  return kysely.transaction().execute(async (trx) => {
    await database.takeLock(trx, 'waybill migrations');
    const version = await selectVersion(trx);
    requireKnownVersion(version);
    const added: number[] = [];
    for (let next = version + 1; next <= newestVersion; next += 1) {
      await (steps[next - 1] as Step)(trx, database.kind);
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

/** Migrates the schema and closes the database. @param check true only reads the versions */
export async function migrateAndClose(database: Database, check: boolean): Promise<SchemaVersions> {
  try {
    const from = await readSchemaVersion(database);
    if (!check) await migrate(database);
    return { from, to: await readSchemaVersion(database), newest: newestVersion };
  } finally {
    await database.close();
  }
}

/** @throws {WaybillError} `config_invalid` when the schema is older or newer than this version of Waybill */
export async function requireCurrentSchema(database: Database): Promise<void> {
  const version = await readSchemaVersion(database);
  requireKnownVersion(version);
  if (version < newestVersion)
    throw new WaybillError(
      'config_invalid',
      `The schema of the ledger has version ${version}; this Waybill needs ${newestVersion}. Run \`waybill migrate\`.`,
    );
}

function requireKnownVersion(version: number): void {
  if (version > newestVersion)
    throw new WaybillError(
      'config_invalid',
      `The ledger was migrated by a newer Waybill (schema ${version} > ${newestVersion}). Update Waybill.`,
    );
}

async function createMigrationTable(kysely: Kysely<Tables>): Promise<void> {
  await sql
    .raw('create table if not exists waybill_migrations (version integer primary key, migrated_at bigint not null)')
    .execute(kysely)
    // Two processes may create the table at the same time. Postgres then fails one of them with a catalogue error.
    .catch(async (error) => {
      await selectVersion(kysely).catch(() => {
        throw error;
      });
    });
}

async function selectVersion(kysely: Kysely<Tables>): Promise<number> {
  const row = await kysely
    .selectFrom('waybill_migrations')
    .select(({ fn }) => fn.max('version').as('version'))
    .executeTakeFirst();
  return Number(row?.version ?? 0);
}
