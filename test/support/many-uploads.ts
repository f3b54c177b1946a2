/** Fills a ledger with many uploads by SQL inside the database, so that no row passes through Node. */
import type { Ledger } from '../../src/server/index.ts';

export interface FillOptions {
  kind: Ledger['kind'];
  count: number;
  execute(statement: string): Promise<unknown>;
  query(statement: string): Promise<Record<string, unknown>[]>;
  /** Whether nine of ten uploads belong to {@link largestOwner}. @default false */
  oneLargeOwner?: boolean;
}

/** Upper bounds of each state in a thousand uploads: most are completed, few are open. */
const states = [
  ['completed', 900],
  ['deleted', 940],
  ['aborted', 960],
  ['rejected', 970],
  ['expired', 990],
  ['granted', 998],
  ['completing', 1000],
] as const;

/** Enough owners that the usage table needs an index, too. */
const owners = 50_000;
export const ownerOf = (n: number): string => `owner-${n % owners}`;

/** Ids are spread over the whole range, as random ids are, so that the index does not only grow at its end. */
export const idOf = (n: number): string =>
  ((n * spread) % 2 ** 32).toString(16).padStart(8, '0') + n.toString(16).padStart(24, '0');
const spread = 2654435761;

export const largestOwner = 'owner-large';

/** The parts of the statements in which the databases differ. */
interface Words {
  /** Returns the indexes that are not the primary key, with the statements that drop and create each. */
  indexes: string;
  drop(name: string): string;
  numbers(count: number): string;
  hashed: string;
  id: string;
  key: string;
  /** Ends the selection of an insert. SQLite would take the next word for a join. */
  afterGroup: string;
  analyze: string;
}

const hash = (number: string) => `(${number} * ${spread}) % 4294967296`;

const words: Readonly<Record<Ledger['kind'], Words>> = {
  sqlite: {
    indexes:
      "select name, sql as def from sqlite_master where type = 'index' and tbl_name = 'waybill_uploads' and sql is not null",
    drop: (name) => `drop index ${name}`,
    numbers: (count) =>
      `recursive numbers (n) as (select 0 union all select n + 1 from numbers where n < ${count - 1})`,
    hashed: hash('cast(n as bigint)'),
    id: `printf('%08x%024x', hashed, n)`,
    key: 'key',
    afterGroup: 'having true',
    analyze: 'analyze',
  },
  postgres: {
    indexes: `select indexname as name, indexdef as def from pg_indexes
         where tablename = 'waybill_uploads' and indexname <> 'waybill_uploads_pkey'`,
    drop: (name) => `drop index ${name}`,
    numbers: (count) => `numbers as (select n from generate_series(0, ${count - 1}) as n)`,
    hashed: hash('cast(n as bigint)'),
    id: `lpad(to_hex(hashed), 8, '0') || lpad(to_hex(n), 24, '0')`,
    key: 'key',
    afterGroup: '',
    analyze: 'vacuum analyze',
  },
  mysql: {
    indexes: `select index_name as name, concat('create ', if(min(non_unique) = 0, 'unique ', ''), 'index ', index_name,
           ' on waybill_uploads (', group_concat('\`', column_name, '\`', if(sub_part is null, '', concat('(', sub_part, ')'))
           order by seq_in_index), ')') as def
         from information_schema.statistics
         where table_schema = database() and table_name = 'waybill_uploads' and index_name <> 'PRIMARY'
         group by index_name`,
    drop: (name) => `drop index ${name} on waybill_uploads`,
    // https://mariadb.com/kb/en/sequence-storage-engine/
    numbers: (count) => `numbers as (select seq as n from seq_0_to_${count - 1})`,
    hashed: hash('cast(n as signed)'),
    id: `concat(lpad(lower(hex(hashed)), 8, '0'), lpad(lower(hex(n)), 24, '0'))`,
    key: '`key`',
    afterGroup: '',
    analyze: 'analyze table waybill_uploads, waybill_usage, waybill_webhooks, waybill_audit',
  },
};

export async function addUploads({ kind, count, execute, query, oneLargeOwner = false }: FillOptions): Promise<void> {
  const { indexes, drop, analyze } = words[kind];
  const found = await query(indexes);
  // It is faster to build the indexes after the inserts.
  for (const { name } of found) await execute(drop(String(name)));
  await execute(insert(words[kind], count, oneLargeOwner));
  await execute('delete from waybill_usage');
  await execute(usage(words[kind]));
  await execute(webhooks);
  await execute(audit);
  for (const { def } of found) await execute(String(def));
  await execute(analyze);
}

function insert({ numbers, hashed, id, key }: Words, count: number, oneLargeOwner: boolean): string {
  const small = `concat('owner-', n % ${owners})`;
  const owner = oneLargeOwner ? `case when n % 10 = 0 then ${small} else '${largestOwner}' end` : small;
  // Neighbouring ids get different states.
  const state = `case ${states.map(([name, below]) => `when (n * 37 + n / 1000) % 1000 < ${below} then '${name}'`).join(' ')} end`;
  return `insert into waybill_uploads (upload_id, route, owner_id, ${key}, file_name, content_type, size, transfer,
  checksum_algorithm, checksum, metadata, state, fence, lease_until, reserved_bytes, created_at, expires_at, abandon_at,
  abandon_after, ended_at, file, retry_at, parked_at, sweep_at)
with ${numbers(count)}, hashes as (select n, ${hashed} as hashed, ${state} as state from numbers),
  generated as (select n, ${id} as id, state from hashes)
select id, case when n % 3 = 0 then 'avatars' else 'files' end, ${owner},
  concat('files/', ${owner}, '/', id, '.bin'), 'photo.bin', 'image/jpeg', 1000 + n % 100, 'put',
  'sha256', id, '{"n":1}', state, 1, 0, 1000, 1700000000000 + n, 1700000900000 + n, 1700001500000 + n, 600000,
  case when state in ('granted', 'completing') then null else 1700000100000 + n end,
  case when state = 'completed' then '{"size":1000}' end,
  case when state = 'completing' and n % 2 = 0 then 9000000000000 + n end,
  case when state = 'completing' and n % 2 = 1 then 1700000100000 + n end,
  case when state = 'granted' or (state = 'completing' and n % 2 = 0) then 9000000000000 + n end
from generated`;
}

const usage = ({ afterGroup }: Words) => `insert into waybill_usage
  (owner_id, route, stored_bytes, stored_files, pending_bytes, pending_files)
select owner_id, route, sum(bytes), sum(files), sum(pending), sum(pending_files) from (
  select owner_id, '' as route, ${amounts} from waybill_uploads
  union all select owner_id, route, ${amounts} from waybill_uploads) as each_upload
group by owner_id, route ${afterGroup}`;

const live = "case when state in ('granted', 'completing') then";
const amounts = `case when state = 'completed' then 1000 else 0 end as bytes,
  case when state = 'completed' then 1 else 0 end as files,
  ${live} reserved_bytes else 0 end as pending, ${live} 1 else 0 end as pending_files`;

/** A webhook for every tenth completed upload: most are delivered, a few wait, a few are parked. */
const webhooks = `insert into waybill_webhooks
  (webhook_id, upload_id, type, payload, created_at, attempts, next_at, delivered_at, parked_at)
select concat('msg_', upload_id), upload_id, 'upload.completed', '{}', created_at, 1,
  case when created_at % 1009 = 0 then 9000000000000 end,
  case when created_at % 1009 > 1 then created_at end,
  case when created_at % 1009 = 1 then created_at end
from waybill_uploads where state = 'completed' and created_at % 10 = 0`;

/** An audit entry for every upload. */
const audit = `insert into waybill_audit (at, action, upload_id, route, owner_id, actor)
select created_at, 'granted', upload_id, route, owner_id, owner_id from waybill_uploads`;
