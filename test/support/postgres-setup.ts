/**
 * Vitest global set-up: starts one Postgres for all projects of a run and provides its URL to the test files.
 * `inject('postgres')` is null when Postgres is not installed, which is an error under CI, or not in `WAYBILL_LEDGERS`.
 */
import type { TestProject } from 'vitest/node';
import { isLedgerSelected } from './ledger-kinds.ts';
import { hasPostgres, type Postgres, type PostgresInfo, startPostgres } from './postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    postgres: PostgresInfo | null;
  }
}

interface Shared {
  users: number;
  postgres: Promise<Postgres>;
}

/** Each project loads its own copy of this module, so the shared state is kept in a global. */
const registry = globalThis as { [key: symbol]: Shared | undefined };
const slot = Symbol.for('waybill.test.postgres');

export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  if (!isLedgerSelected('postgres')) {
    project.provide('postgres', null);
    return undefined;
  }
  if (!hasPostgres()) {
    const reason = 'no Postgres found (Debian: apt-get install postgresql)';
    if (process.env.CI) throw new Error(`${reason}; under CI the suites must run against it`);
    console.warn(`\nSKIPPED: nothing runs against Postgres: ${reason}.\n`);
    project.provide('postgres', null);
    return undefined;
  }
  registry[slot] ??= { users: 0, postgres: startPostgres() };
  const shared = registry[slot];
  shared.users++;
  project.provide('postgres', { url: (await shared.postgres).url });
  return async () => {
    if (--shared.users > 0) return;
    registry[slot] = undefined;
    await (await shared.postgres).stop();
  };
}
