/**
 * SQLite in a thread of its own. Every call of SQLite blocks its caller: for a sync of the disk, for a checkpoint, and while
 * another process holds the file. In the thread, the server's event loop goes on meanwhile.
 */
import { Worker } from 'node:worker_threads';

export interface StatementResult {
  rows: Record<string, unknown>[];
  /** Rows that were changed; undefined for a statement that returns rows. */
  changes?: number;
}

export interface SqliteThread {
  /** One statement. They run in the order of the calls. */
  run(sql: string, parameters: readonly unknown[]): Promise<StatementResult>;
  /** Closes the file and ends the thread. */
  close(): Promise<void>;
}

export interface SqliteThreadOptions {
  file: string;
  /** How long a statement waits while another process holds the file. */
  busyTimeoutMs: number;
  pragmas: readonly string[];
}

type Call = { id: number; sql: string; parameters: readonly unknown[] } | 'close';
type Failed = { message: string; code: string | undefined };
type Answer = { id: number } & ({ result: StatementResult } | { failed: Failed });

/** @throws what SQLite says when the file cannot be opened */
export async function startSqliteThread(options: SqliteThreadOptions): Promise<SqliteThread> {
  // Bundlers that find the name of a helper give functions their names with one called `__name`.
  const code = `const __name = (value) => value; (${threadMain})(require);`;
  const worker = new Worker(code, {
    eval: true,
    name: 'waybill-sqlite',
    // Without the options of this process, which may load a TypeScript runner or a profiler.
    execArgv: [],
    workerData: { ...options, libsql: pathOf('libsql') },
  });
  const waiting = new Map<number, { resolve(result: StatementResult): void; reject(error: Error): void }>();
  let ended: Error | undefined;
  let nextId = 1;

  const opened = new Promise<void>((resolve, reject) => {
    waiting.set(0, { resolve: () => resolve(), reject });
  });
  const exited = new Promise<void>((resolve) => {
    worker.once('exit', () => {
      fail(new Error('The thread of SQLite has ended.'));
      resolve();
    });
  });

  function fail(error: Error): void {
    ended ??= error;
    for (const one of waiting.values()) one.reject(ended);
    waiting.clear();
  }

  worker.on('error', fail);
  worker.on('message', (answer: Answer) => {
    const one = waiting.get(answer.id);
    waiting.delete(answer.id);
    // An open database keeps no process alive; a statement that somebody waits for does.
    if (waiting.size === 0) worker.unref();
    if ('result' in answer) one?.resolve(answer.result);
    else one?.reject(Object.assign(new Error(answer.failed.message), { code: answer.failed.code }));
  });
  await opened;

  return {
    run(sql, parameters) {
      if (ended) return Promise.reject(ended);
      return new Promise((resolve, reject) => {
        const id = nextId++;
        if (waiting.size === 0) worker.ref();
        waiting.set(id, { resolve, reject });
        worker.postMessage({ id, sql, parameters } satisfies Call);
      });
    },
    async close() {
      if (!ended) {
        worker.ref();
        worker.postMessage('close' satisfies Call);
      }
      await exited;
    },
  };
}

/** A thread made of text resolves names from the working directory, so it gets a path where there is one. */
function pathOf(name: string): string {
  try {
    // Not by an import: webpack rewrites what it sees `createRequire` do.
    return process
      .getBuiltinModule('node:module')
      .createRequire(import.meta.url)
      .resolve(name);
  } catch {
    return name;
  }
}

/** Runs in the thread. Its text is sent there: it must use nothing from outside of itself. */
function threadMain(load: (name: string) => unknown): void {
  const { parentPort, workerData } = load('node:worker_threads') as typeof import('node:worker_threads');
  const { file, busyTimeoutMs, pragmas, libsql } = workerData as SqliteThreadOptions & { libsql: string };
  const port = parentPort as NonNullable<typeof parentPort>;
  const mostPrepared = 500;
  const prepared = new Map<string, import('libsql').Statement>();
  const answer = (message: Answer) => port.postMessage(message);
  const failedOf = (error: unknown): Failed => ({
    message: error instanceof Error ? error.message : String(error),
    code: (error as { code?: string } | null)?.code,
  });

  let database: import('libsql').Database;
  try {
    const Database = load(libsql) as typeof import('libsql');
    database = new Database(file, { timeout: busyTimeoutMs });
    for (const pragma of pragmas) database.pragma(pragma);
  } catch (error) {
    answer({ id: 0, failed: failedOf(error) });
    return;
  }

  const statementOf = (sql: string) => {
    let statement = prepared.get(sql);
    if (!statement) {
      statement = database.prepare(sql);
      // Groups of every size are statements of their own.
      if (prepared.size >= mostPrepared) prepared.delete(prepared.keys().next().value as string);
      prepared.set(sql, statement);
    }
    return statement;
  };

  port.on('message', (call: Call) => {
    if (call === 'close') {
      prepared.clear();
      database.close();
      port.close();
      return;
    }
    const { id, sql, parameters } = call;
    try {
      const statement = statementOf(sql);
      const result: StatementResult = statement.reader
        ? { rows: statement.all(parameters) as Record<string, unknown>[] }
        : { rows: [], changes: statement.run(parameters).changes };
      answer({ id, result });
    } catch (error) {
      answer({ id, failed: failedOf(error) });
    }
  });
  answer({ id: 0, result: { rows: [] } });
}
