/**
 * Two replicas of `waybill serve` on one ledger in a shared database: one completes what the other granted, and both
 * stop cleanly.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type BuiltCli, buildCli } from '../cli/built-cli.ts';
import { createServing, declare, post, type Serving, upload, writeJson } from '../cli/serving.ts';
import { forEachLedger } from '../support/ledgers.ts';
import { png, send } from '../support/server-app.ts';

let cli: BuiltCli;
let serving: Serving;
beforeAll(async () => {
  cli = await buildCli();
  serving = await createServing(cli);
  const limits = { maxBytes: 1_000_000 };
  const files = { authorize: { ownerHeader: 'x-user' }, limits, quota: { maxFiles: 2 } };
  await writeJson(serving.dir, 'routes.json', { routes: { files } });
}, 180_000);
afterAll(async () => {
  await serving.close();
  await cli.remove();
});

const proxySecret = 'a secret that only the proxy knows';
const headers = { 'x-waybill-proxy-secret': proxySecret, 'x-user': 'alice' };

forEachLedger(
  'two replicas of waybill serve',
  (testLedger) => {
    it('replicas share grants, the quota and a schema that both migrate', async () => {
      const env = { WAYBILL_LEDGER: testLedger.url(), WAYBILL_PROXY_SECRET: proxySecret };
      const [first, second] = await Promise.all([
        serving.serve(['--config', 'routes.json'], env),
        serving.serve(['--config', 'routes.json'], env),
      ]);
      expect((await serving.finish(['migrate', '--check'], env)).code).toBe(0);
      const granted = await post(`${first.url}/uploads`, { route: 'files', files: [declare(png)] }, headers);
      const grant = granted.body.uploads?.[0];
      if (!grant || grant.error) throw new Error(JSON.stringify(granted.body));
      expect(await send(grant.request, png)).toBeLessThan(300);
      const answers = await Promise.all(
        [first, second, first, second].map(({ url }) =>
          post(`${url}/uploads/complete`, { grants: [grant.grant] }, headers),
        ),
      );
      for (const { status } of answers) expect([200, 202]).toContain(status);
      expect((await upload(second.url, png, headers)).status).toBe(200);
      const third = await post(`${first.url}/uploads`, { route: 'files', files: [declare(png)] }, headers);
      expect(third.body.error?.code).toBe('quota_exceeded');

      first.process.child.kill('SIGTERM');
      expect(await first.process.ended).toBe(0);
      expect((await fetch(`${second.url}/readyz`)).status).toBe(200);
      second.process.child.kill('SIGTERM');
      expect(await second.process.ended).toBe(0);
      const completed = [first, second].flatMap(({ lines }) => lines()).filter(({ msg }) => msg === 'upload.completed');
      expect(completed.filter(({ uploadId }) => uploadId === grant.uploadId)).toHaveLength(1);
      const output = [first, second].map(({ process }) => process.stdout() + process.stderr()).join('');
      expect(output).not.toContain(new URL(testLedger.url()).password || proxySecret);
    }, 180_000);
  },
  // SQLite supports one machine only.
  { only: ['postgres', 'mysql'] },
);
