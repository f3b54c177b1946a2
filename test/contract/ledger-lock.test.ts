/**
 * While another process holds a lock on SQLite's file, the event loop continues and calls wait for up to
 * `busyTimeoutMs`.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sqliteLedger } from '../../src/ledger/sqlite.ts';
import { type SqliteThread, startSqliteThread } from '../../src/ledger/sqlite-thread.ts';

describe('a SQLite file that another process has locked', () => {
  let dir: string;
  let other: SqliteThread;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'waybill-lock-'));
  });
  afterEach(async () => {
    await other.close();
    await rm(dir, { recursive: true, force: true });
  });

  async function open(busyTimeoutMs?: number) {
    const file = join(dir, 'uploads.db');
    const ledger = await sqliteLedger({ file, ...(busyTimeoutMs === undefined ? {} : { busyTimeoutMs }) });
    other = await startSqliteThread({ file, busyTimeoutMs: 5000, pragmas: [] });
    await other.run('begin immediate', []);
    return ledger;
  }

  it('a waiting call does not block the event loop, and continues when the file is free', async () => {
    const ledger = await open(60_000);
    let locked = false;
    const locking = ledger.lock('sweep', 'me', 1000).then((isHolder) => {
      locked = isHolder;
    });
    // A call that blocked the event loop would delay these timers until it ended.
    for (let turn = 0; turn < 20; turn += 1) await pause(5);
    expect(locked).toBe(false);
    await other.run('commit', []);
    await locking;
    expect(locked).toBe(true);
    await ledger.close();
  });

  it('a waiting call fails after busyTimeoutMs, and the next one succeeds', async () => {
    const ledger = await open(50);
    await expect(ledger.lock('sweep', 'me', 1000)).rejects.toMatchObject({ code: 'SQLITE_BUSY' });
    await other.run('rollback', []);
    expect(await ledger.lock('sweep', 'me', 1000)).toBe(true);
    await ledger.close();
  });

  it('a closed ledger rejects calls', async () => {
    const ledger = await open();
    await ledger.close();
    await expect(ledger.ping()).rejects.toThrow();
  });
});
