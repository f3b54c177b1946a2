/** The operator's page of `waybill serve`: a parked callback runs again on request, and only with the token. */
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
});
afterEach(() => serving.stop());
afterAll(async () => {
  await serving.close();
  await cli.remove();
});

it('runs a parked callback again when an operator asks for it', async () => {
  await serving.writeModule(
    'repairable.mjs',
    `import { existsSync } from 'node:fs';
     import { anyone, route } from 'waybill/server';
     export const routes = {
       files: route({
         limits: { maxBytes: 1000 },
         authorize: anyone,
         onComplete() {
           if (!existsSync('repaired')) throw new Error('the app is away');
           return 'announced';
         },
       }),
     };`,
  );
  const file = join(serving.dir, 'admin.db');
  const env = { WAYBILL_LEDGER: `sqlite:${file}`, WAYBILL_ADMIN_TOKEN: token };
  const { url, ops, process, lines } = await serving.serve(['--config', 'repairable.mjs', '--admin'], env);
  const { granted, result } = await upload(url, png);
  expect(result?.error?.code).toBe('callback_failed');
  const uploadId = granted.uploadId;

  const ledger = await sqliteLedger({ file });
  try {
    expect((await ledger.find(uploadId))?.callback).toMatchObject({ attempts: 1, parkedAt: null });
    const lease = await ledger.takeLease(uploadId, 60_000);
    if (!lease || !('fence' in lease)) throw new Error('Another process has the lease.');
    await ledger.recordCallbackFailure(uploadId, lease.fence, 'Error: the app is away', null);

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

    await writeFile(join(serving.dir, 'repaired'), '');
    // The callback is not parked any more. It can also be run before the sweep does so.
    const repaired = await retry({ ...signedIn, origin: ops });
    expect([repaired.status, repaired.headers.get('location')]).toEqual([303, '/?said=announced']);
    expect(await ledger.find(uploadId)).toMatchObject({ state: 'completed', data: 'announced' });
    expect((await retry({ ...signedIn, origin: ops })).status).toBe(409);
  } finally {
    await ledger.close();
  }

  process.child.kill('SIGTERM');
  expect(await process.ended).toBe(0);
  expect(lines().filter(({ msg }) => msg === 'upload.completed')).toHaveLength(1);
  const output = process.stdout() + process.stderr();
  for (const secret of [token, signedIn.authorization.slice(6), granted.grant]) expect(output).not.toContain(secret);
});

it('exists only with --admin, and needs the token on a public address', async () => {
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
});
