/**
 * Two replicas of `waybill serve` on one ledger in Postgres: what one grants the other completes, and both end well.
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

const proxySecret = 'what only the proxy in front knows of';
const headers = { 'x-waybill-proxy-secret': proxySecret, 'x-user': 'alice' };

forEachLedger(
  'two replicas on',
  (place) => {
    it('share grants, quota and a schema that both bring up to date', async () => {
      const env = { WAYBILL_LEDGER: place.url(), WAYBILL_PROXY_SECRET: proxySecret };
      const [one, other] = await Promise.all([
        serving.serve(['--config', 'routes.json'], env),
        serving.serve(['--config', 'routes.json'], env),
      ]);
      expect((await serving.finish(['migrate', '--check'], env)).code).toBe(0);
      const granted = await post(`${one.url}/uploads`, { route: 'files', files: [declare(png)] }, headers);
      const grant = granted.body.uploads?.[0];
      if (!grant || grant.error) throw new Error(JSON.stringify(granted.body));
      expect(await send(grant.request, png)).toBeLessThan(300);
      const answers = await Promise.all(
        [one, other, one, other].map(({ url }) => post(`${url}/uploads/complete`, { grants: [grant.grant] }, headers)),
      );
      for (const { status } of answers) expect([200, 202]).toContain(status);
      expect((await upload(other.url, png, headers)).status).toBe(200);
      const third = await post(`${one.url}/uploads`, { route: 'files', files: [declare(png)] }, headers);
      expect(third.body.error?.code).toBe('quota_exceeded');

      one.process.child.kill('SIGTERM');
      expect(await one.process.ended).toBe(0);
      expect((await fetch(`${other.url}/readyz`)).status).toBe(200);
      other.process.child.kill('SIGTERM');
      expect(await other.process.ended).toBe(0);
      const completed = [one, other].flatMap(({ lines }) => lines()).filter(({ msg }) => msg === 'upload.completed');
      expect(completed.filter(({ uploadId }) => uploadId === grant.uploadId)).toHaveLength(1);
      const said = [one, other].map(({ process }) => process.stdout() + process.stderr()).join('');
      expect(said).not.toContain(new URL(place.url()).password || proxySecret);
    }, 180_000);
  },
  // SQLite is for one machine.
  { only: 'postgres' },
);
