/** What only MySQL and MariaDB do: deadlocks, schema changes that are not in a transaction, broken connections. */
import mysql from 'mysql2/promise';
import { expect, it } from 'vitest';
import { forEachLedger } from '../support/ledgers.ts';
import { makeUpload } from '../support/new-upload.ts';

forEachLedger(
  'ledger',
  (testLedger) => {
    const isWaiting = async () =>
      (await testLedger.query("select 1 from information_schema.innodb_trx where trx_state = 'LOCK WAIT'")).length > 0;

    it('a grant that a deadlock has undone runs again', async () => {
      const ledger = await testLedger.open();
      await ledger.grant([makeUpload({ ownerId: 'anna' }), makeUpload({ ownerId: 'bea' })]);
      const other = await mysql.createConnection(testLedger.url());
      other.on('error', () => {});
      try {
        await other.beginTransaction();
        // InnoDB undoes the transaction that has changed fewer rows.
        const locks = Array.from({ length: 50 }, (_, n) => [`lock-${n}`, 'other', 0]);
        await other.query('insert into waybill_locks (name, holder, until) values ?', [locks]);
        const touch = 'update waybill_usage set pending_files = pending_files + 0, stored_files = 0 where owner_id = ?';
        await other.query(touch, ['bea']);
        const granting = ledger.grant([makeUpload({ ownerId: 'anna' }), makeUpload({ ownerId: 'bea' })]);
        await expect.poll(isWaiting, { timeout: 20_000 }).toBe(true);
        await other.query(touch, ['anna']);
        await other.rollback();
        expect(await granting).toEqual([null, null]);
      } finally {
        await other.end();
      }
      expect(await ledger.usage('anna')).toMatchObject({ pendingFiles: 2 });
      expect(await ledger.usage('bea')).toMatchObject({ pendingFiles: 2 });
    });

    it('a migration that was interrupted continues', async () => {
      await testLedger.open();
      const version = 'select max(version) as version from waybill_migrations';
      const [newest] = await testLedger.query(version);
      await testLedger.execute('delete from waybill_migrations where version >= 3');
      const ledger = await testLedger.reopen();
      expect(await testLedger.query(version)).toEqual([newest]);
      expect(await ledger.grant([makeUpload()])).toEqual([null]);
    });

    it('a connection that the server ends fails one call at most', async () => {
      const ledger = await testLedger.open();
      await ledger.usage('anna');
      const others = await testLedger.query(
        'select id from information_schema.processlist where db = database() and id <> connection_id()',
      );
      expect(others.length).toBeGreaterThan(0);
      for (const { id } of others) await testLedger.execute(`kill ${id}`);
      await ledger.usage('anna').catch(() => undefined);
      expect(await ledger.usage('anna')).toMatchObject({ storedBytes: 0 });
    });
  },
  // The other databases undo no transaction because of a deadlock here, and change their schema in transactions.
  { only: ['mysql'] },
);
