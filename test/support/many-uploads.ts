/** Fills a ledger with many uploads by SQL inside the database, so that no row passes through Node. */

export interface FillOptions {
  kind: 'sqlite' | 'postgres';
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
export const largestOwner = 'owner-large';
export const ownerOf = (n: number): string => `owner-${n % owners}`;

/** Ids are spread over the whole range, as random ids are, so that the index does not only grow at its end. */
export const idOf = (n: number): string =>
  ((n * spread) % 2 ** 32).toString(16).padStart(8, '0') + n.toString(16).padStart(24, '0');
const spread = 2654435761;

export async function addUploads({ kind, count, execute, query, oneLargeOwner = false }: FillOptions): Promise<void> {
  const indexes = await query(
    kind === 'sqlite'
      ? "select name, sql as def from sqlite_master where type = 'index' and tbl_name = 'waybill_uploads' and sql is not null"
      : `select indexname as name, indexdef as def from pg_indexes
         where tablename = 'waybill_uploads' and indexname <> 'waybill_uploads_pkey'`,
  );
  // It is faster to build the indexes after the inserts.
  for (const { name } of indexes) await execute(`drop index ${name}`);
  await execute(insert(kind, count, oneLargeOwner));
  await execute('delete from waybill_usage');
  await execute(usage(kind));
  await execute(webhooks);
  await execute(audit);
  for (const { def } of indexes) await execute(String(def));
  await execute(kind === 'sqlite' ? 'analyze' : 'vacuum analyze');
}

function insert(kind: FillOptions['kind'], count: number, oneLargeOwner: boolean): string {
  const numbers =
    kind === 'sqlite'
      ? `with recursive numbers (n) as (select 0 union all select n + 1 from numbers where n < ${count - 1})`
      : `with numbers as (select n from generate_series(0, ${count - 1}) as n)`;
  const hashed = `(cast(n as bigint) * ${spread}) % 4294967296`;
  const id =
    kind === 'sqlite'
      ? `printf('%08x%024x', ${hashed}, n)`
      : `lpad(to_hex(${hashed}), 8, '0') || lpad(to_hex(n), 24, '0')`;
  // Neighbouring ids get different states.
  const state = `case ${states.map(([name, below]) => `when (n * 37 + n / 1000) % 1000 < ${below} then '${name}'`).join(' ')} end`;
  const small = `'owner-' || (n % ${owners})`;
  const owner = oneLargeOwner ? `case when n % 10 = 0 then ${small} else '${largestOwner}' end` : small;
  return `${numbers}, rows as (select n, ${id} as id, ${state} as state from numbers)
insert into waybill_uploads (upload_id, route, owner_id, key, file_name, content_type, size, transfer,
  checksum_algorithm, checksum, metadata, state, fence, lease_until, reserved_bytes, created_at, expires_at, abandon_at,
  abandon_after, ended_at, file, retry_at, parked_at, sweep_at)
select id, case when n % 3 = 0 then 'avatars' else 'files' end, ${owner},
  'files/' || ${owner} || '/' || id || '.bin', 'photo.bin', 'image/jpeg', 1000 + n % 100, 'put',
  'sha256', id, '{"n":1}', state, 1, 0, 1000, 1700000000000 + n, 1700000900000 + n, 1700001500000 + n, 600000,
  case when state in ('granted', 'completing') then null else 1700000100000 + n end,
  case when state = 'completed' then '{"size":1000}' end,
  case when state = 'completing' and n % 2 = 0 then 9000000000000 + n end,
  case when state = 'completing' and n % 2 = 1 then 1700000100000 + n end,
  case when state = 'granted' or (state = 'completing' and n % 2 = 0) then 9000000000000 + n end
from rows`;
}

const usage = (kind: FillOptions['kind']) => `insert into waybill_usage
  (owner_id, route, stored_bytes, stored_files, pending_bytes, pending_files)
select owner_id, route, sum(bytes), sum(files), sum(pending), sum(pending_files) from (
  select owner_id, '' as route, ${amounts} from waybill_uploads
  union all select owner_id, route, ${amounts} from waybill_uploads) as each_upload
group by owner_id, route ${kind === 'sqlite' ? 'having true' : ''}`;

const live = "case when state in ('granted', 'completing') then";
const amounts = `case when state = 'completed' then 1000 else 0 end as bytes,
  case when state = 'completed' then 1 else 0 end as files,
  ${live} reserved_bytes else 0 end as pending, ${live} 1 else 0 end as pending_files`;

/** A webhook for every tenth completed upload: most are delivered, a few wait, a few are parked. */
const webhooks = `insert into waybill_webhooks
  (webhook_id, upload_id, type, payload, created_at, attempts, next_at, delivered_at, parked_at)
select 'msg_' || upload_id, upload_id, 'upload.completed', '{}', created_at, 1,
  case when created_at % 1009 = 0 then 9000000000000 end,
  case when created_at % 1009 > 1 then created_at end,
  case when created_at % 1009 = 1 then created_at end
from waybill_uploads where state = 'completed' and created_at % 10 = 0`;

/** An audit entry for every upload. */
const audit = `insert into waybill_audit (at, action, upload_id, route, owner_id, actor)
select created_at, 'granted', upload_id, route, owner_id, owner_id from waybill_uploads`;
