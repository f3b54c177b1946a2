/** The operator's page of the real server: what is parked is announced at once, and only for who has the token. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { sqliteLedger } from '../../src/ledger/sqlite.ts';
import { png } from '../support/server-app.ts';
import { type BuiltCli, buildCli } from './built-cli.ts';
import { createServing, type Serving, upload, writeJson } from './serving.ts';

let cli: BuiltCli;
let serving: Serving;

const token = 'a token that only operators know';
const signedIn = { authorization: `Basic ${Buffer.from(`me:${token}`).toString('base64')}` };

beforeAll(async () => {
  cli = await buildCli();
  serving = await createServing(cli);
}, 60_000);
afterEach(() => serving.stop());
afterAll(async () => {
  await serving.close();
  await cli.remove();
});

it('announces a parked upload at once, when its callback is mended and somebody says so', async () => {
  await serving.writeModule(
    'mendable.mjs',
    `import { existsSync } from 'node:fs';
     import { anyone, route } from 'waybill/server';
     export const routes = {
       files: route({
         limits: { maxBytes: 1000 },
         authorize: anyone,
         onComplete() {
           if (!existsSync('mended')) throw new Error('the app is away');
           return 'announced';
         },
       }),
     };`,
  );
  const file = join(serving.dir, 'admin.db');
  const env = { WAYBILL_LEDGER: `sqlite:${file}`, WAYBILL_ADMIN_TOKEN: token };
  const { url, ops, process, lines } = await serving.serve(['--config', 'mendable.mjs', '--admin'], env);
  const { granted, result } = await upload(url, png);
  expect(result?.error?.code).toBe('callback_failed');
  const uploadId = granted.uploadId;

  const ledger = await sqliteLedger({ file });
  try {
    expect((await ledger.find(uploadId))?.callback).toMatchObject({ attempts: 1, parkedAt: null });
    const claim = await ledger.claim(uploadId, 60_000);
    if (!claim || !('fence' in claim)) throw new Error('Somebody else has it.');
    await ledger.failed(uploadId, claim.fence, 'Error: the app is away', null);

    expect((await fetch(ops)).status).toBe(401);
    const page = await fetch(ops, { headers: signedIn });
    const text = await page.text();
    expect([page.status, text]).toEqual([200, expect.stringContaining('the app is away')]);
    expect(text).toContain(`action="/retry/${uploadId}"`);

    const retry = (headers: Record<string, string>) =>
      fetch(`${ops}/retry/${uploadId}`, { method: 'POST', headers, redirect: 'manual' });
    expect((await retry({ origin: ops })).status).toBe(401);
    expect((await retry({ ...signedIn, origin: 'https://evil.example' })).status).toBe(403);
    expect((await ledger.find(uploadId))?.callback.attempts).toBe(1);
    const again = await retry({ ...signedIn, origin: ops });
    expect([again.status, again.headers.get('location')]).toEqual([303, '/?said=failed']);
    expect((await ledger.find(uploadId))?.callback).toMatchObject({ attempts: 2, parkedAt: null });

    await writeFile(join(serving.dir, 'mended'), '');
    // Not parked any more, but it waits for the sweep: it may be told not to wait.
    const mended = await retry({ ...signedIn, origin: ops });
    expect([mended.status, mended.headers.get('location')]).toEqual([303, '/?said=announced']);
    expect(await ledger.find(uploadId)).toMatchObject({ state: 'completed', data: 'announced' });
    expect((await retry({ ...signedIn, origin: ops })).status).toBe(409);
  } finally {
    await ledger.close();
  }

  process.child.kill('SIGTERM');
  expect(await process.ended).toBe(0);
  expect(lines().filter(({ msg }) => msg === 'upload.completed')).toHaveLength(1);
  const said = process.stdout() + process.stderr();
  for (const secret of [token, signedIn.authorization.slice(6), granted.grant]) expect(said).not.toContain(secret);
}, 60_000);

it('is not there unless it is asked for, and then beyond this machine for the token only', async () => {
  await writeJson(serving.dir, 'open.json', { routes: { files: { authorize: 'anyone', limits: { maxBytes: 1000 } } } });
  const env = { WAYBILL_LEDGER: `sqlite:${join(serving.dir, 'open.db')}` };
  const without = await serving.serve(['--config', 'open.json'], env);
  for (const origin of [without.url, without.ops])
    for (const path of ['/', '/uploads', '/owners'])
      expect([path, (await fetch(origin + path)).status >= 400]).toEqual([path, true]);
  expect((await fetch(`${without.ops}/metrics`)).status).toBe(200);
  await serving.stop();
  const args = ['--config', 'open.json', '--admin', '--ops-host', '0.0.0.0'];
  const wide = await serving.serve(args, { ...env, WAYBILL_ADMIN_TOKEN: token });
  expect((await fetch(wide.ops)).status).toBe(401);
  expect((await fetch(wide.ops, { headers: signedIn })).status).toBe(200);
  expect((await fetch(`${wide.url}/owners`, { headers: signedIn })).status).toBe(404);
}, 60_000);
