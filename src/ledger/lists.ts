/** Reads uploads: one, several, or a page of a list. Every query uses an index. */
import { sql } from 'kysely';
import type { Ledger, UploadFilter, UploadPage, UploadRecord, UploadState } from '../server/index.ts';
import { formatCursor, isAfterCursor, parseCursor } from './cursor.ts';
import { type Database, needsObject, stateLiteral } from './database.ts';
import { rowToRecord, type UploadRow } from './rows.ts';
import { selectUpload, selectUploads } from './upload-changes.ts';

export type ListMethods = Pick<
  Ledger,
  'find' | 'findMany' | 'findStored' | 'keysInUse' | 'isObjectNeeded' | 'list' | 'ping'
>;

/**
 * The states in the order of transitions: an upload that changes its state between two queries is then found twice, and
 * never missed.
 */
const stateOrder: readonly UploadState[] = [
  'granted',
  'expired',
  'completing',
  'completed',
  'rejected',
  'aborted',
  'deleted',
];
const sortStates = (states = stateOrder) => stateOrder.filter((state) => states.includes(state));

const compareNewestFirst = (a: UploadRow, b: UploadRow) =>
  b.created_at - a.created_at || (a.upload_id < b.upload_id ? 1 : -1);

/** The maximum of ids in one statement, each of which is a parameter. */
export const maxIds = 1000;
const maxPageSize = 1000;

export function createLists(database: Database): ListMethods {
  return {
    find: (uploadId) => findUpload(database, uploadId),
    findMany: (uploadIds) => findUploads(database, uploadIds),
    findStored: (of) => findStoredUpload(database, of),
    keysInUse: (keys) => findKeysInUse(database, keys),
    isObjectNeeded: (key) => isObjectNeeded(database, key),
    list: (filter) => listUploads(database, filter),
    ping: () => readClock(database),
  };
}

async function findUpload(database: Database, uploadId: string): Promise<UploadRecord | null> {
  const row = await selectUpload(database, uploadId);
  return row ? rowToRecord(row) : null;
}

async function findUploads(database: Database, uploadIds: readonly string[]): Promise<Map<string, UploadRecord>> {
  const found = new Map<string, UploadRecord>();
  for (let from = 0; from < uploadIds.length; from += maxIds) {
    const some = await selectUploads(database)
      .where('upload_id', 'in', uploadIds.slice(from, from + maxIds))
      .execute();
    for (const row of some) found.set(row.upload_id, rowToRecord(row));
  }
  return found;
}

async function findStoredUpload(
  database: Database,
  { ownerId, route, sha256, size }: Parameters<Ledger['findStored']>[0],
): Promise<UploadRecord | null> {
  const row = await selectUploads(database)
    .where('owner_id', '=', ownerId)
    .where('route', '=', route)
    .where('checksum', '=', sha256)
    .where('size', '=', size)
    .where('state', '=', stateLiteral('completed'))
    .where('checksum_algorithm', '=', sql.lit('sha256'))
    .where('checksum_parts', 'is', null)
    .limit(1)
    .executeTakeFirst();
  return row ? rowToRecord(row) : null;
}

async function findKeysInUse({ kysely }: Database, keys: readonly string[]): Promise<Set<string>> {
  const used = new Set<string>();
  for (let from = 0; from < keys.length; from += maxIds) {
    const some = await kysely
      .selectFrom('waybill_uploads')
      .select('key')
      .where('key', 'in', keys.slice(from, from + maxIds))
      .where('state', 'in', [stateLiteral('granted'), stateLiteral('completing'), stateLiteral('completed')])
      .execute();
    for (const { key } of some) used.add(key);
  }
  return used;
}

async function isObjectNeeded({ kysely }: Database, key: string): Promise<boolean> {
  const row = await kysely
    .selectFrom('waybill_uploads')
    .select('upload_id')
    .where('key', '=', key)
    .where(needsObject)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

async function listUploads(database: Database, filter: UploadFilter = {}): Promise<UploadPage> {
  const pageSize = Math.min(filter.limit ?? 50, maxPageSize);
  const found = new Map<string, UploadRow>();
  // Each state is searched in its own index, because a page may consist of three uploads among a million.
  for (const state of filter.parked ? [undefined] : sortStates(filter.states))
    for (const row of await selectNewest(database, filter, state, pageSize)) found.set(row.upload_id, row);
  const page = [...found.values()].sort(compareNewestFirst).slice(0, pageSize);
  const last = page.at(-1) as UploadRow;
  return {
    uploads: page.map(rowToRecord),
    next: page.length === pageSize ? formatCursor({ position: last.created_at, id: last.upload_id }) : null,
  };
}

async function selectNewest(
  database: Database,
  filter: UploadFilter,
  state: UploadState | undefined,
  pageSize: number,
): Promise<UploadRow[]> {
  let query = selectUploads(database).orderBy('created_at', 'desc').orderBy('upload_id', 'desc').limit(pageSize);
  if (state) query = query.where('state', '=', state);
  else if (filter.states) query = query.where('state', 'in', filter.states);
  if (filter.ownerId !== undefined) query = query.where('owner_id', '=', filter.ownerId);
  if (filter.route !== undefined) query = query.where('route', '=', filter.route);
  if (filter.parked) query = query.where('parked_at', 'is not', null);
  if (filter.createdBefore !== undefined) query = query.where('created_at', '<', filter.createdBefore);
  const from = parseCursor(filter.after);
  if (from) query = query.where(isAfterCursor(['created_at', 'upload_id'], from));
  return query.execute();
}

async function readClock({ kysely, now }: Database): Promise<number> {
  const { rows: found } = await sql<{ clock: number }>`select ${now()} as clock`.execute(kysely);
  return Number((found[0] as { clock: number }).clock);
}
