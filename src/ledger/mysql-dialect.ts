/** Kysely's dialect for MySQL and MariaDB over `mysql2`, with prepared statements, `returning`, and retries. */
import { setTimeout as pause } from 'node:timers/promises';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  MysqlAdapter,
  MysqlIntrospector,
  type QueryResult,
  type RootOperationNode,
  sql,
} from 'kysely';
import type mysql from 'mysql2/promise';
import { hasReturning, LedgerQueryCompiler, runReturning } from './mysql-queries.ts';
import { binaryCollation, isSchemaStatement, translateSchemaStatement } from './mysql-schema.ts';

/**
 * Errors after which InnoDB has rolled back a statement or its transaction, and how often each is run at most:
 * https://dev.mysql.com/doc/refman/8.4/en/innodb-error-handling.html
 */
const maxAttempts: Readonly<Record<string, number>> = { ER_LOCK_DEADLOCK: 20, ER_LOCK_WAIT_TIMEOUT: 3 };

/**
 * Errors of a schema statement that ran in an earlier, interrupted migration: MySQL commits each schema statement by
 * itself.
 */
const alreadyRun: ReadonlySet<string> = new Set(['ER_TABLE_EXISTS_ERROR', 'ER_DUP_FIELDNAME', 'ER_DUP_KEYNAME']);

const codeOf = (error: unknown): string => String((error as { code?: unknown } | null)?.code);

/** Repeats work that the database has rolled back because of another transaction. */
export async function retryConflicts<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1)
    try {
      return await work();
    } catch (error) {
      if (attempt >= (maxAttempts[codeOf(error)] ?? 0)) throw error;
      await pause(attempt);
    }
}

export interface MysqlDialectOptions {
  pool: mysql.Pool;
  timeoutMs: number;
}

class LedgerAdapter extends MysqlAdapter {
  /** `runReturning` implements it. */
  override get supportsReturning(): boolean {
    return true;
  }
}

export function mysqlDialect(options: MysqlDialectOptions): Dialect {
  return {
    createAdapter: () => new LedgerAdapter(),
    createDriver: () => createDriver(options),
    createIntrospector: (database) => new MysqlIntrospector(database),
    createQueryCompiler: () => new LedgerQueryCompiler(),
  };
}

/**
 * Settings of each connection. Read committed is Postgres's default, too: every statement sees what is committed, and
 * few gaps between rows are locked. A strict mode refuses text that is too long instead of truncating it.
 */
const sessionSettings = (timeoutMs: number): string[] => [
  'set session transaction isolation level read committed',
  `set autocommit = 1, sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION',
     innodb_lock_wait_timeout = ${Math.max(1, Math.floor(timeoutMs / 3000))}`,
];

const lockStatement = 'select get_lock(';

/** Takes a lock of this name until the transaction ends. `taken` is 1 when it was taken in time. */
export const takeNamedLock = (name: string, seconds: number) =>
  sql<{ taken: number | null }>`select get_lock(sha2(concat(database(), ' ', ${name}), 224), ${seconds}) as taken`;

function createDriver({ pool, timeoutMs }: MysqlDialectOptions): Driver {
  const ready = new WeakSet<object>();

  async function prepare(connection: mysql.PoolConnection): Promise<void> {
    // A connection that breaks emits an error event, also while a statement waits for its answer. Without a listener,
    // the event would end the process.
    connection.on('error', () => undefined);
    for (const statement of sessionSettings(timeoutMs)) await connection.query({ sql: statement, timeout: timeoutMs });
    ready.add(unwrapConnection(connection));
  }

  const own = (connection: DatabaseConnection) => connection as MysqlConnection;
  return {
    init: async () => {},
    async acquireConnection() {
      const connection = await takeConnection(pool, timeoutMs);
      try {
        if (!ready.has(unwrapConnection(connection))) await prepare(connection);
      } catch (error) {
        connection.destroy();
        throw error;
      }
      return new MysqlConnection(connection, timeoutMs);
    },
    beginTransaction: (connection) => own(connection).begin(),
    commitTransaction: (connection) => own(connection).end('commit'),
    // When this fails, the connection is closed, and the server rolls back.
    rollbackTransaction: (connection) =>
      own(connection)
        .end('rollback')
        .catch(() => own(connection).destroy()),
    async releaseConnection(connection) {
      own(connection).release();
    },
    destroy: () => pool.end(),
  };
}

/** The pool wraps the same connection in another object each time. */
const unwrapConnection = (connection: mysql.PoolConnection) =>
  (connection as unknown as { connection: object }).connection;

/** Takes a connection of the pool within a time limit, which `mysql2` does not have. */
async function takeConnection(pool: mysql.Pool, timeoutMs: number): Promise<mysql.PoolConnection> {
  const taken = pool.getConnection();
  const timer = new AbortController();
  const late = pause(timeoutMs, 'late' as const, { signal: timer.signal, ref: false }).catch(() => 'late' as const);
  try {
    const first = await Promise.race([taken, late]);
    if (first !== 'late') return first;
    taken.then(
      (connection) => connection.release(),
      () => undefined,
    );
    throw new Error(`No connection to the database was free within ${timeoutMs} ms.`);
  } finally {
    timer.abort();
  }
}

class MysqlConnection implements DatabaseConnection {
  readonly #connection: mysql.PoolConnection;
  readonly #timeoutMs: number;
  #isInTransaction = false;
  #hasNamedLock = false;
  #isBroken = false;

  constructor(connection: mysql.PoolConnection, timeoutMs: number) {
    this.#connection = connection;
    this.#timeoutMs = timeoutMs;
  }

  async begin(): Promise<void> {
    await this.#run('start transaction');
    this.#isInTransaction = true;
  }

  async end(how: 'commit' | 'rollback'): Promise<void> {
    this.#isInTransaction = false;
    await this.#run(how);
    if (this.#hasNamedLock) await this.#run('do release_all_locks()');
    this.#hasNamedLock = false;
  }

  async executeQuery<R>({ sql: text, parameters, query }: CompiledQuery): Promise<QueryResult<R>> {
    if (isSchemaStatement(text)) {
      await this.#changeSchema(text);
      return { rows: [] };
    }
    const work = () => (hasReturning(query) ? this.#runReturning(query) : this.#runPrepared(text, parameters));
    const result = await (this.#isInTransaction ? work() : retryConflicts(work));
    if (text.startsWith(lockStatement)) this.#hasNamedLock = true;
    return result as QueryResult<R>;
  }

  // biome-ignore lint/correctness/useYield: Kysely's interface requires a generator
  async *streamQuery(): AsyncIterableIterator<never> {
    throw new Error('The ledger does not stream rows.');
  }

  release(): void {
    if (this.#isBroken) this.destroy();
    else this.#connection.release();
  }

  destroy(): void {
    this.#isBroken = true;
    this.#connection.destroy();
  }

  async #runReturning(node: Parameters<typeof runReturning>[0]): Promise<QueryResult<unknown>> {
    const compiler = new LedgerQueryCompiler();
    const run = async (statement: RootOperationNode) => {
      const compiled = compiler.compileQuery(statement, { queryId: 'returning' });
      return (await this.#runPrepared(compiled.sql, compiled.parameters)).rows;
    };
    if (this.#isInTransaction) return { rows: await runReturning(node, run) };
    await this.begin();
    try {
      const rows = await runReturning(node, run);
      await this.end('commit');
      return { rows };
    } catch (error) {
      await this.end('rollback').catch(() => this.destroy());
      throw error;
    }
  }

  async #changeSchema(statement: string): Promise<void> {
    const [versions] = await this.#run('select version() as version');
    const collation = binaryCollation(String((versions as { version: string }[])[0]?.version));
    await this.#run(translateSchemaStatement(statement, collation)).catch((error) => {
      if (!alreadyRun.has(codeOf(error))) throw error;
    });
  }

  async #runPrepared(text: string, parameters: readonly unknown[]): Promise<QueryResult<Record<string, unknown>>> {
    // `mysql2` sends numbers as doubles, which MySQL refuses in `limit`.
    const values = parameters.map((value) => (Number.isSafeInteger(value) ? String(value) : value));
    const [result] = await this.#guard(() =>
      this.#connection.execute({ sql: text, values: values as never, timeout: this.#timeoutMs }),
    );
    if (Array.isArray(result)) return { rows: result as Record<string, unknown>[] };
    return { rows: [], numAffectedRows: BigInt((result as mysql.ResultSetHeader).affectedRows) };
  }

  #run(statement: string) {
    return this.#guard(() => this.#connection.query({ sql: statement, timeout: this.#timeoutMs }));
  }

  /** After a timeout the answer may still arrive, so the connection is not used again. */
  async #guard<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      const { fatal, code } = error as { fatal?: boolean; code?: string };
      if (fatal || code === 'PROTOCOL_SEQUENCE_TIMEOUT') this.#isBroken = true;
      throw error;
    }
  }
}
