/**
 * A ledger that is restored from a backup older than the bucket: open uploads continue, and files that were stored
 * since are served and reported as orphans.
 */
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Libsql from 'libsql';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openLedger } from '../../src/ledger/index.ts';
import { type Ledger, type Owner, route } from '../../src/server/index.ts';
import { createTestDatabase, onServer } from '../support/postgres.ts';
import { createTestApp, png, send } from '../support/server-app.ts';
import { forEachStore } from '../support/stores.ts';

const run = promisify(execFile);
const owner = (): Owner => ({ ownerId: 'anna' });

interface Backup {
  url: string;
  take(): Promise<void>;
  /** Called while no ledger is open. */
  restore(): Promise<void>;
}

forEachStore(
  'a ledger from its backup',
  (store) => {
    async function testRestore({ url, take, restore }: Backup): Promise<void> {
      const storage = store.storage({ bucket: await store.createBucket() });
      let clock = 0;
      const announced: string[] = [];
      const routes = {
        a: route({
          limits: { maxBytes: 100_000 },
          authorize: owner,
          onComplete: ({ uploadId }) => {
            announced.push(uploadId);
          },
        }),
      };
      const open = (ledger: Ledger) => createTestApp(storage, routes, { ledger, now: () => Date.now() + clock });
      const put = async (app: ReturnType<typeof open>) => {
        const upload = await app.grant(png);
        expect(await send(upload.request, png)).toBe(200);
        return upload;
      };

      let ledger = await openLedger(url);
      let app = open(ledger);
      const before = await put(app);
      const kept = (await app.complete(before.grant)).json.results?.[0]?.file;
      const underWay = await put(app);
      await take();
      const since = await put(app);
      const lost = (await app.complete(since.grant)).json.results?.[0]?.file;
      const granted = await put(app);
      await ledger.close();
      await restore();

      ledger = await openLedger(url);
      app = open(ledger);
      try {
        expect(await ledger.find(since.uploadId)).toBeNull();
        expect((await ledger.find(before.uploadId))?.file).toEqual(kept);
        expect(await app.uploads.usage('anna')).toMatchObject({ storedFiles: 1, pendingFiles: 1 });
        for (const { grant } of [underWay, granted]) expect((await app.complete(grant)).status).toBe(200);
        expect(announced.sort()).toEqual([before, underWay, since, granted].map(({ uploadId }) => uploadId).sort());
        expect(await app.uploads.usage('anna')).toMatchObject({ storedFiles: 3, pendingFiles: 0 });
        // The file that the backup does not contain is served, and a sweep reports it.
        expect((await app.call('GET', lost?.url ?? '')).status).toBe(302);
        clock = 48 * 3_600_000;
        const { orphans } = await app.uploads.sweep({ orphans: true });
        expect(orphans.map(({ key }) => key)).toEqual([lost?.key]);
      } finally {
        await ledger.close();
      }
    }

    let dir: string;
    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), 'waybill-backup-'));
    });
    afterAll(() => rm(dir, { recursive: true, force: true }));

    it('uploads continue after a SQLite backup is restored', () => {
      const file = join(dir, 'uploads.db');
      const backup = join(dir, 'uploads.bak');
      return testRestore({
        url: `sqlite:${file}`,
        async take() {
          // As `.backup` of the sqlite3 shell: a copy in one transaction while others may write.
          const database = new Libsql(file);
          database.exec(`vacuum into '${backup}'`);
          database.close();
        },
        async restore() {
          for (const suffix of ['', '-wal', '-shm']) await rm(file + suffix, { force: true });
          await copyFile(backup, file);
        },
      });
    });

    const postgres = inject('postgres');
    describe.skipIf(!postgres)('Postgres', () => {
      it('uploads continue after a dump of pg_dump is restored', async () => {
        const database = await createTestDatabase(postgres?.url ?? '');
        const file = join(dir, 'uploads.sql');
        try {
          await testRestore({
            url: database.url,
            async take() {
              await run('pg_dump', ['--dbname', database.url, '-t', 'waybill_*', '-f', file]);
            },
            async restore() {
              await onServer(database.url, 'drop schema public cascade');
              await onServer(database.url, 'create schema public');
              await run('psql', ['--dbname', database.url, '-q', '-v', 'ON_ERROR_STOP=1', '-f', file]);
            },
          });
        } finally {
          await database.drop();
        }
      });
    });
  },
  { only: ['devstore'] },
);
