/** `waybill sweep` as a process, after its server has ended. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sqliteLedger } from '../../src/ledger/sqlite.ts';
import { anyone, type Ledger, route } from '../../src/server/index.ts';
import { createTestApp, png, send } from '../support/server-app.ts';
import { forEachStore } from '../support/stores.ts';
import { type BuiltCli, buildCli, spawnCli } from './built-cli.ts';

const secret = 'a-secret-of-at-least-thirty-two-characters';
const limits = { maxBytes: 1_000_000 };

forEachStore(
  'waybill sweep',
  (store) => {
    let cli: BuiltCli;
    let cwd: string;
    let ledger: Ledger;
    beforeAll(async () => {
      cli = await buildCli();
      cwd = await mkdtemp(join(tmpdir(), 'waybill-sweep-'));
      await writeFile(join(cwd, 'uploads.json'), JSON.stringify({ routes: { a: { authorize: 'anyone', limits } } }));
      ledger = await sqliteLedger({ file: join(cwd, 'uploads.db') });
    });
    afterAll(async () => {
      await ledger.close();
      await cli.remove();
      await rm(cwd, { recursive: true, force: true });
    });

    async function sweep(args: string[], env: Record<string, string> = {}) {
      const one = spawnCli(cli.main, ['sweep', '--config', 'uploads.json', ...args], {
        cwd,
        env: {
          WAYBILL_SECRET: secret,
          WAYBILL_S3_BUCKET: store.bucket,
          WAYBILL_S3_REGION: store.region,
          WAYBILL_S3_ENDPOINT: store.endpoint,
          WAYBILL_S3_PRESET: store.preset,
          AWS_ACCESS_KEY_ID: store.credentials.accessKeyId,
          AWS_SECRET_ACCESS_KEY: store.credentials.secretAccessKey,
          WAYBILL_LEDGER: 'sqlite:uploads.db',
          ...env,
        },
      });
      const code = await one.ended;
      return { code, stdout: one.stdout(), stderr: one.stderr() };
    }

    it('reports with --dry-run, completes an upload, and then has nothing to do', async () => {
      const storage = store.storage();
      const app = createTestApp(storage, { a: route({ limits, authorize: anyone }) }, { ledger, secret });
      const upload = await app.grant(png);
      await send(upload.request, png);

      const dry = await sweep(['--dry-run', '--grace', '0', '--json']);
      expect([dry.code, dry.stderr]).toEqual([0, '']);
      expect(JSON.parse(dry.stdout)).toMatchObject({ dryRun: true, completed: 1, failed: 0, orphans: [] });
      expect(await ledger.find(upload.uploadId)).toMatchObject({ state: 'granted' });

      const done = await sweep(['--grace', '0']);
      expect(done).toMatchObject({ code: 0, stderr: '' });
      expect(done.stdout).toContain('1  completed: the bytes had arrived');
      expect(done.stdout).not.toMatch(/X-Amz-|secret/i);
      expect(await ledger.find(upload.uploadId)).toMatchObject({ state: 'completed' });

      const again = await sweep(['--grace', '0']);
      expect(again).toMatchObject({ code: 0, stderr: '' });
      expect(again.stdout).toContain('Nothing to do.');
    });

    it('exits with 2 for wrong options and with 3 for a storage that does not answer', async () => {
      const lone = await sweep(['--orphans'], { WAYBILL_LEDGER: 'none' });
      expect([lone.code, lone.stderr]).toEqual([2, expect.stringContaining('needs a ledger')]);
      const odd = await sweep(['--grace', 'soon']);
      expect([odd.code, odd.stderr]).toEqual([2, expect.stringContaining('--grace')]);
      const nowhere = await sweep([], { WAYBILL_S3_BUCKET: 'there-is-none' });
      expect([nowhere.code, nowhere.stdout]).toEqual([3, '']);
    });
  },
  { only: ['devstore'] },
);
