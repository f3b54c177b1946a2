/** Kysely's dialect over {@link SqliteThread}. Kysely's own driver calls SQLite on the event loop. */
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import type { SqliteThread } from './sqlite-thread.ts';

export function sqliteDialect(thread: SqliteThread): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => createDriver(thread),
    createIntrospector: (database) => new SqliteIntrospector(database),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

function createDriver(thread: SqliteThread): Driver {
  const connection: DatabaseConnection = {
    async executeQuery({ sql, parameters }) {
      const { rows, changes } = await thread.run(sql, parameters);
      return { rows: rows as never[], ...(changes === undefined ? {} : { numAffectedRows: BigInt(changes) }) };
    },
    // biome-ignore lint/correctness/useYield: Kysely's interface wants a generator
    async *streamQuery() {
      throw new Error('The ledger does not stream rows.');
    },
  };
  const raw = async (sql: string) => {
    await connection.executeQuery(CompiledQuery.raw(sql));
  };
  const { acquire, release } = createLock();
  return {
    init: async () => {},
    async acquireConnection() {
      await acquire();
      return connection;
    },
    // A deferred transaction that has read first fails when it writes after another writer (SQLITE_BUSY_SNAPSHOT).
    beginTransaction: () => raw('begin immediate'),
    commitTransaction: () => raw('commit'),
    rollbackTransaction: () => raw('rollback'),
    releaseConnection: async () => release(),
    destroy: () => thread.close(),
  };
}

/** A lock for the one connection. Callers get it in the order of their calls. */
function createLock(): { acquire(): Promise<void>; release(): void } {
  const waiting: (() => void)[] = [];
  let taken = false;
  return {
    acquire() {
      if (taken) return new Promise((resolve) => waiting.push(resolve));
      taken = true;
      return Promise.resolve();
    },
    release() {
      const next = waiting.shift();
      if (next) next();
      else taken = false;
    },
  };
}
