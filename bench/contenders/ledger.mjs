/**
 * The ledger, and as the floor the prepared INSERT of the same row with the same durability. The statement is the
 * ledger's own, recorded while it runs. The floor does not reserve quota, admit uploads or share commits.
 */
import { randomBytes } from 'node:crypto';
import Libsql from 'libsql';
import pg from 'pg';
import { postgresLedger } from 'waybill/ledger/postgres';
import { sqliteLedger } from 'waybill/ledger/sqlite';

/** Of the ledger and of the floor. */
const connections = 10;

const quotas = { owner: { maxBytes: 2 ** 50, maxFiles: 2 ** 40 }, route: { maxPendingBytes: 2 ** 50 } };

export function createUpload(n) {
  const uploadId = randomBytes(16).toString('hex');
  const ownerId = `owner-${n % 1000}`;
  return {
    uploadId,
    route: 'files',
    ownerId,
    key: `files/${ownerId}/${uploadId}.bin`,
    fileName: 'photo.bin',
    contentType: 'image/jpeg',
    size: 1000,
    partSize: null,
    transfer: 'put',
    checksum: { algorithm: 'sha256', value: randomBytes(32).toString('base64') },
    metadata: { album: 'summer' },
    reservedBytes: 1000,
    expiresInMs: 900_000,
    abandonAfterMs: 600_000,
    quotas,
  };
}

/** Opens the ledger, and records its INSERT statement. */
async function openLedger(open) {
  let caught;
  const ledger = await open(({ query: { sql, parameters } }) => {
    if (sql.startsWith('insert into "waybill_uploads"')) caught = { sql, parameters };
  });
  return {
    ledger,
    grant: async (upload) => {
      const [refusal] = await ledger.grant([upload]);
      if (refusal) throw new Error('The ledger refused.');
    },
    /** The statement for this many rows, and a function that fills in the parameters of other uploads. */
    async insertOf(count) {
      const samples = Array.from({ length: count }, (_, n) => createUpload(n));
      await ledger.grant(samples);
      const { sql, parameters } = caught;
      const places = parameters.map((value) => placeOf(samples, value));
      if (places.filter(Boolean).length !== count * 4) throw new Error('The statement was not understood.');
      return {
        sql,
        parametersOf: (uploads) =>
          parameters.map((value, at) => (places[at] ? places[at].field(uploads[places[at].row]) : value)),
      };
    },
  };
}

const fields = [(upload) => upload.uploadId, (upload) => upload.key, (upload) => upload.checksum.value];

function placeOf(samples, value) {
  for (const [row, sample] of samples.entries())
    for (const field of fields) if (field(sample) === value) return { row, field };
  // The order of the parameters identifies the row, so the caller need not know it.
  const row = samples.findIndex(({ ownerId }) => ownerId === value);
  return row < 0 ? null : { row, field: (upload) => upload.ownerId };
}

export async function onSqlite(file) {
  const opened = await openLedger((onQuery) => sqliteLedger({ file, onQuery }));
  const database = new Libsql(file, { timeout: 5000 });
  for (const pragma of ['synchronous = full', 'cache_size = -65536']) database.pragma(pragma);
  const one = await opened.insertOf(1);
  const statement = database.prepare(one.sql);
  const many = await opened.insertOf(grouped);
  const manyStatement = database.prepare(many.sql);
  // SQLite has one writer, so callers take turns.
  let turn = Promise.resolve();
  return {
    kind: 'sqlite',
    grant: opened.grant,
    insert: (upload) => {
      turn = turn.then(() => void statement.run(one.parametersOf([upload])));
      return turn;
    },
    insertMany: async (uploads) => void manyStatement.run(many.parametersOf(uploads)),
    groupsAtOnce: 1,
    query: async (text) => {
      const prepared = database.prepare(text);
      if (prepared.reader) return prepared.all([]);
      prepared.run([]);
      return [];
    },
    async close() {
      database.close();
      await opened.ledger.close();
    },
  };
}

export async function onPostgres(url) {
  const opened = await openLedger((onQuery) =>
    postgresLedger({ connectionString: url, maxConnections: connections, onQuery }),
  );
  const pool = new pg.Pool({ connectionString: url, max: connections });
  // Without a listener a connection that breaks while it is idle would end the process. Calls on it fail anyway.
  pool.on('error', (error) => console.error(`Postgres: ${error.message}`));
  const one = await opened.insertOf(1);
  const many = await opened.insertOf(grouped);
  return {
    kind: 'postgres',
    grant: opened.grant,
    insert: (upload) => pool.query({ name: 'one', text: one.sql, values: one.parametersOf([upload]) }),
    insertMany: (uploads) => pool.query({ name: 'many', text: many.sql, values: many.parametersOf(uploads) }),
    groupsAtOnce: 3,
    query: async (text) => (await pool.query(text)).rows,
    async close() {
      await pool.end();
      await opened.ledger.close();
    },
  };
}

/** Rows in one statement of the stricter floor. */
export const grouped = 100;
