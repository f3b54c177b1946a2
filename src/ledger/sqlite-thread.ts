/**
 * SQLite in a worker thread. Every SQLite call blocks its thread while the disk syncs, during a checkpoint, and while
 * another process has locked the file. In a worker it does not block the event loop of the server.
 */
import { Worker } from 'node:worker_threads';

export interface StatementResult {
  rows: Record<string, unknown>[];
  /** The number of changed rows; undefined for a statement that returns rows. */
  changes?: number;
}

export interface SqliteThread {
  /** Runs one statement. Statements run in the order of the calls. */
  run(sql: string, parameters: readonly unknown[]): Promise<StatementResult>;
  /** Closes the file and ends the thread. */
  close(): Promise<void>;
}

export interface SqliteThreadOptions {
  file: string;
  /** How long a statement waits while another process has locked the file. */
  busyTimeoutMs: number;
  pragmas: readonly string[];
}

type Call = { id: number; sql: string; parameters: readonly unknown[] } | 'close';
type Failure = { message: string; code: string | undefined };
type Answer = { id: number } & ({ result: StatementResult } | { failure: Failure });

/** @throws SQLite's error when the file cannot be opened */
export async function startSqliteThread(options: SqliteThreadOptions): Promise<SqliteThread> {
  // Bundlers that keep the names of functions (esbuild's `keepNames`) insert calls of a helper `__name`.
  const code = `const __name = (value) => value; (${threadMain})(require);`;
  const worker = new Worker(code, {
    eval: true,
    name: 'waybill-sqlite',
    // Does not inherit the options of this process, which may load a TypeScript runner or a profiler.
    execArgv: [],
    workerData: { ...options, libsql: resolvePackage('libsql') },
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
    // A running statement keeps the process alive; an open database alone does not.
    if (waiting.size === 0) worker.unref();
    if ('result' in answer) one?.resolve(answer.result);
    else one?.reject(Object.assign(new Error(answer.failure.message), { code: answer.failure.code }));
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

/** A worker that is made of source text resolves packages from the working directory, so it gets an absolute path. */
function resolvePackage(name: string): string {
  try {
    // `createRequire` is not imported, because webpack would replace it.
    return process
      .getBuiltinModule('node:module')
      .createRequire(import.meta.url)
      .resolve(name);
  } catch {
    return name;
  }
}

/** Runs in the worker. Only the text of this function is sent there, so it must not refer to anything outside. */
function threadMain(load: (name: string) => unknown): void {
  const { parentPort, workerData } = load('node:worker_threads') as typeof import('node:worker_threads');
  const { file, busyTimeoutMs, pragmas, libsql } = workerData as SqliteThreadOptions & { libsql: string };
  const port = parentPort as NonNullable<typeof parentPort>;
  const maxPrepared = 500;
  const prepared = new Map<string, import('libsql').Statement>();
  const answer = (message: Answer) => port.postMessage(message);
  const toFailure = (error: unknown): Failure => ({
    message: error instanceof Error ? error.message : String(error),
    code: (error as { code?: string } | null)?.code,
  });

  let database: import('libsql').Database;
  try {
    const Database = load(libsql) as typeof import('libsql');
    database = new Database(file, { timeout: busyTimeoutMs });
    for (const pragma of pragmas) database.pragma(pragma);
  } catch (error) {
    answer({ id: 0, failure: toFailure(error) });
    return;
  }

  const prepare = (sql: string) => {
    let statement = prepared.get(sql);
    if (!statement) {
      statement = database.prepare(sql);
      // The number of rows in an insert makes a different statement, so there can be many.
      if (prepared.size >= maxPrepared) prepared.delete(prepared.keys().next().value as string);
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
      const statement = prepare(sql);
      const result: StatementResult = statement.reader
        ? { rows: statement.all(parameters) as Record<string, unknown>[] }
        : { rows: [], changes: statement.run(parameters).changes };
      answer({ id, result });
    } catch (error) {
      answer({ id, failure: toFailure(error) });
    }
  });
  answer({ id: 0, result: { rows: [] } });
}
