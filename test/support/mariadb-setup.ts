/**
 * Vitest global set-up: starts one MariaDB for all projects of a run, where `WAYBILL_LEDGERS` contains `mysql`, and
 * provides its URL to the test files. `inject('mariadb')` is null otherwise.
 */
import type { TestProject } from 'vitest/node';
import { isLedgerSelected } from './ledger-kinds.ts';
import { hasMariadb, type Mariadb, type MariadbInfo, startMariadb } from './mariadb.ts';

declare module 'vitest' {
  interface ProvidedContext {
    mariadb: MariadbInfo | null;
  }
}

interface Shared {
  users: number;
  mariadb: Promise<Mariadb>;
}

/** The suites create hundreds of tables, each with several syncs of the disk, and no power fails between them. */
const withoutSync = ['--innodb-flush-method=nosync', '--innodb-flush-log-at-trx-commit=0'];

/** Each project loads its own copy of this module, so the shared state is kept in a global. */
const registry = globalThis as { [key: symbol]: Shared | undefined };
const slot = Symbol.for('waybill.test.mariadb');

export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  if (!isLedgerSelected('mysql')) {
    project.provide('mariadb', null);
    return undefined;
  }
  if (!hasMariadb()) {
    const reason = 'no MariaDB found (Debian: apt-get install mariadb-server)';
    if (process.env.CI) throw new Error(`${reason}; under CI the suites must run against it`);
    console.warn(`\nSKIPPED: nothing runs against MariaDB: ${reason}.\n`);
    project.provide('mariadb', null);
    return undefined;
  }
  registry[slot] ??= { users: 0, mariadb: startMariadb(withoutSync) };
  const shared = registry[slot];
  shared.users++;
  project.provide('mariadb', { url: (await shared.mariadb).url });
  return async () => {
    if (--shared.users > 0) return;
    registry[slot] = undefined;
    await (await shared.mariadb).stop();
  };
}
