/** `waybill serve` and `waybill migrate` as processes: what they serve, print and refuse, and how they stop. */
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { mapLimited } from '../../src/server/shared/map-limited.ts';
import { png } from '../support/server-app.ts';
import { type BuiltCli, buildCli } from './built-cli.ts';
import { createServing, declare, post, type Serving, upload, writeJson } from './serving.ts';

let cli: BuiltCli;
let serving: Serving;

const proxySecret = 'what only the proxy in front knows of';
const byProxy = { 'x-waybill-proxy-secret': proxySecret, 'x-user': 'alice' };
const limits = { maxBytes: 1_000_000, contentTypes: ['image/*'] };

beforeAll(async () => {
  cli = await buildCli();
  serving = await createServing(cli);
  await writeJson(serving.dir, 'open.json', { routes: { files: { authorize: 'anyone', limits } } });
  await writeJson(serving.dir, 'proxy.json', {
    routes: { files: { authorize: { ownerHeader: 'x-user' }, limits, quota: { maxFiles: 2 } } },
  });
});

afterEach(() => serving.stop());
afterAll(async () => {
  await serving.close();
  await cli.remove();
});

const read = async (url: string) => {
  const answer = await fetch(url);
  return { status: answer.status, text: await answer.text() };
};

describe('waybill serve', () => {
  it('serves the routes of a module, counts uploads, and stops on SIGTERM', async () => {
    await serving.writeModule(
      'uploads.mjs',
      `import { writeFileSync } from 'node:fs';
       import { anyone, route } from 'waybill/server';
       const seen: string[] = [];
       export const routes = {
         files: route({
           limits: { maxBytes: 1000, contentTypes: ['image/*'] },
           authorize: anyone,
           onComplete: ({ uploadId }) => ({ announced: uploadId }),
         }),
       };
       export const options = {
         basePath: '/api',
         instrument: async (name, attributes, run) => {
           seen.push(name);
           writeFileSync('spans.txt', seen.join('\\n'));
           return run();
         },
       };`,
    );
    const ledger = `sqlite:${join(serving.dir, 'module.db')}`;
    const { url, ops, process, lines } = await serving.serve(['--config', 'uploads.mjs'], { WAYBILL_LEDGER: ledger });
    const { status, result } = await upload(`${url}/api`, png);
    expect(status).toBe(200);
    expect(result?.data).toEqual({ announced: result?.uploadId });

    expect(await read(`${url}/healthz`)).toEqual({ status: 200, text: '{"ok":true}' });
    expect(await read(`${url}/readyz`)).toEqual({ status: 200, text: '{"ready":true,"missing":[]}' });
    expect((await read(`${url}/nothing`)).status).toBe(404);
    expect((await read(`${url}/metrics`)).status).toBe(404);
    const { text } = await read(`${ops}/metrics`);
    for (const line of [
      /^waybill_grants_total\{route="files",transfer="(form|put)"\} 1$/m,
      /^waybill_uploads_ended_total\{route="files",outcome="completed"\} 1$/m,
      new RegExp(`^waybill_stored_bytes_total\\{route="files"\\} ${png.length}$`, 'm'),
      /^waybill_uploads\{state="completed"\} 1$/m,
      /^waybill_request_seconds_count\{operation="complete",status="200"\} 1$/m,
      /^waybill_storage_seconds_count\{operation="read",outcome="ok"\} \d+$/m,
      /^waybill_callbacks_parked 0$/m,
      /^process_resident_memory_bytes \d+$/m,
    ])
      expect(text).toMatch(line);

    expect(await readFile(join(serving.dir, 'spans.txt'), 'utf8')).toMatch(
      /^waybill\.grant\n(.+\n)*waybill\.complete\n(.+\n)*waybill\.onComplete/,
    );

    process.child.kill('SIGTERM');
    expect(await process.ended).toBe(0);
    expect(lines().map(({ msg }) => msg)).toEqual(
      expect.arrayContaining(['ready', 'upload.granted', 'upload.completed', 'request.served', 'ending', 'ended']),
    );
  });

  it('accepts only the owners that the proxy names', async () => {
    const { url } = await serving.serve(['--config', 'proxy.json'], {
      WAYBILL_PROXY_SECRET: proxySecret,
      WAYBILL_LEDGER: `sqlite:${join(serving.dir, 'proxy.db')}`,
    });
    const ask = { route: 'files', files: [declare(png)] };
    for (const headers of [
      {},
      { 'x-user': 'alice' },
      { ...byProxy, 'x-waybill-proxy-secret': `${proxySecret}.` },
      { 'x-waybill-proxy-secret': proxySecret },
    ] as Record<string, string>[])
      expect((await post(`${url}/uploads`, ask, headers)).status).toBe(401);
    expect((await upload(url, png, byProxy)).status).toBe(200);
    expect((await upload(url, png, byProxy)).status).toBe(200);
    expect((await post(`${url}/uploads`, ask, byProxy)).body.error?.code).toBe('quota_exceeded');
  });

  it('G5 logs a line of JSON for every event, without secrets', async () => {
    const { url, ops, process, lines } = await serving.serve(['--config', 'proxy.json', '--log', 'debug'], {
      WAYBILL_PROXY_SECRET: proxySecret,
      WAYBILL_LEDGER: `sqlite:${join(serving.dir, 'logs.db')}`,
    });
    const headers = { ...byProxy, cookie: 'sid=a-cookie-of-alice', authorization: 'Bearer a-bearer-of-alice' };
    const { granted, result } = await upload(url, png, headers);
    const bad = await post(`${url}/uploads`, { route: 'files', files: [declare(png)] }, headers);
    await post(`${url}/uploads/complete`, { grants: [granted.grant, `${granted.grant}x`] }, headers);
    await post(`${url}/uploads/complete?X-Amz-Signature=abcdef0123`, { grants: ['nonsense'] }, headers);
    await fetch(`${url}${result?.file.url}`, { redirect: 'manual', headers });
    serving.store.setFaults({ slowDown: {} });
    const one = bad.body.uploads?.[0];
    if (!one) throw new Error('not granted');
    const failed = await post(`${url}/uploads/complete`, { grants: [one.grant] }, headers);
    expect(failed.body.results?.[0]?.error?.code ?? failed.body.error?.code).toBe('storage_unavailable');
    serving.store.setFaults(undefined);
    const metrics = (await read(`${ops}/metrics`)).text;
    process.child.kill('SIGTERM');
    await process.ended;

    const output = `${process.stdout()}\n${process.stderr()}\n${metrics}`;
    expect(lines().length).toBeGreaterThan(8);
    expect(lines().some(({ msg }) => msg === 'request.failed')).toBe(true);
    const secrets = [
      granted.grant,
      granted.grant.slice(0, 40),
      one.grant,
      'a-cookie-of-alice',
      'a-bearer-of-alice',
      'X-Amz-Signature',
      'abcdef0123',
      proxySecret,
      serving.env.WAYBILL_SECRET as string,
      serving.env.AWS_SECRET_ACCESS_KEY as string,
    ];
    for (const secret of secrets) expect(output).not.toContain(secret);
    // The number of labels is limited.
    expect(metrics).not.toMatch(/alice|photo\.png/);
  });

  it('is alive but not ready while the storage does not answer', async () => {
    const { url } = await serving.serve(['--config', 'open.json'], {
      WAYBILL_LEDGER: 'none',
      WAYBILL_S3_ENDPOINT: 'http://127.0.0.1:1',
    });
    expect(await read(`${url}/readyz`)).toEqual({ status: 503, text: '{"ready":false,"missing":["storage"]}' });
    expect((await read(`${url}/healthz`)).status).toBe(200);
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['bucket', { WAYBILL_S3_BUCKET: 'no-such-bucket' }, /NoSuchBucket[\s\S]*Check `bucket`/],
    [
      'secret key',
      { AWS_SECRET_ACCESS_KEY: 'not-the-secret-access-key' },
      /SignatureDoesNotMatch[\s\S]*secret access key/,
    ],
    ['region', { WAYBILL_S3_REGION: 'eu-west-9' }, /Set `region` to 'us-east-1'/],
    ['preset', { WAYBILL_S3_PRESET: '' }, /WAYBILL_S3_PRESET/],
  ])('does not start with a wrong %s and says what to set', async (_, env, words) => {
    const process = serving.start(['serve', '--config', 'open.json', '--port', '0', '--ops-port', '0'], {
      WAYBILL_LEDGER: 'none',
      ...env,
    });
    expect(await process.ended).toBe(3);
    expect(process.stderr()).toMatch(words);
  });

  it('finishes running callbacks after SIGTERM', async () => {
    const app = createServer();
    app.listen(0, '127.0.0.1');
    await once(app, 'listening');
    const { port } = app.address() as AddressInfo;
    await serving.writeModule(
      'slow.mjs',
      `import { anyone, route } from 'waybill/server';
       export const routes = {
         files: route({
           limits: { maxBytes: 1000 },
           authorize: anyone,
           onComplete: async () => (await fetch('http://127.0.0.1:${port}')).text(),
         }),
       };
       export const options = { completionWaitSeconds: 1 };`,
    );
    const ledger = `sqlite:${join(serving.dir, 'slow.db')}`;
    const { url, ops, process, lines } = await serving.serve(['--config', 'slow.mjs'], { WAYBILL_LEDGER: ledger });
    const asked = once(app, 'request');
    const uploading = upload(url, png);
    const [, response] = await asked;
    // The answer is 202 while the callback is running.
    expect((await uploading).status).toBe(202);
    process.child.kill('SIGTERM');
    await process.says(/"msg":"ending"/);
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
    expect(await read(`${ops}/readyz`)).toEqual({ status: 503, text: '{"ready":false,"missing":["shutting down"]}' });
    expect((await read(`${ops}/healthz`)).status).toBe(200);
    expect(process.child.exitCode).toBeNull();
    response.end('announced');
    expect(await process.ended).toBe(0);
    expect(lines().some(({ msg }) => msg === 'upload.completed')).toBe(true);
    app.close();
  });

  it('stops at once after a second SIGTERM, and after --grace in any case', async () => {
    const silent = createServer(() => {});
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    await serving.writeModule(
      'never.mjs',
      `import { anyone, route } from 'waybill/server';
       export const routes = {
         files: route({
           limits: { maxBytes: 1000 },
           authorize: anyone,
           onComplete: async () => (await fetch('http://127.0.0.1:${(silent.address() as AddressInfo).port}')).text(),
         }),
       };
       export const options = { completionWaitSeconds: 1 };`,
    );
    for (const [grace, code, twice] of [
      ['60', 130, true],
      ['1', 1, false],
    ] as const) {
      const ledger = `sqlite:${join(serving.dir, `never-${grace}.db`)}`;
      const args = ['--config', 'never.mjs', '--grace', grace];
      const { url, process } = await serving.serve(args, { WAYBILL_LEDGER: ledger });
      expect((await upload(url, png)).status).toBe(202);
      process.child.kill('SIGTERM');
      await process.says(/"msg":"ending"/);
      if (twice) process.child.kill('SIGTERM');
      expect(await process.ended).toBe(code);
    }
    silent.closeAllConnections();
    silent.close();
  });

  it('reports a wrong configuration before it listens, without a stack', async () => {
    const { dir } = serving;
    await writeFile(join(dir, 'broken.json'), '{"routes":');
    await writeJson(dir, 'unknown.json', { routes: { files: { authorize: 'anyone', limits, owner: 'me' } } });
    await writeJson(dir, 'closed.json', { routes: { files: { limits } } });
    await writeJson(dir, 'type.json', {
      routes: { files: { authorize: 'anyone', limits: { maxBytes: 1, contentTypes: ['banana'] } } },
    });
    await writeFile(join(dir, 'none.mjs'), 'export const nothing = 1;');
    await writeFile(join(dir, 'throws.mjs'), "throw new Error('no database');");
    await writeFile(join(dir, 'twice.mjs'), 'export const routes = {}; export const options = { secret: 1 };');
    await writeFile(join(dir, 'empty.mjs'), 'export const routes = {};');
    await writeFile(join(dir, 'unknown.mjs'), 'export const routes = {}; export const options = { speed: 1 };');
    const wrong: [args: string[], env: Record<string, string>, code: number, says: RegExp][] = [
      [['--config', 'missing.mjs'], {}, 2, /missing\.mjs cannot be read: it does not exist/],
      [['--config', 'missing.json'], {}, 2, /missing\.json cannot be read: it does not exist/],
      [['--config', 'broken.json'], {}, 2, /broken\.json is not JSON/],
      [['--config', 'unknown.json'], {}, 2, /routes\.files\.owner/],
      [['--config', 'closed.json'], {}, 2, /routes\.files\.authorize/],
      [['--config', 'type.json'], {}, 2, /contentTypes/],
      [['--config', 'uploads.yaml'], {}, 2, /a \.js, \.ts or \.json file/],
      [['--config', 'none.mjs'], {}, 2, /exports no routes/],
      [['--config', 'throws.mjs'], {}, 2, /throws\.mjs cannot be used: no database/],
      [['--config', 'twice.mjs'], {}, 2, /`options\.secret`/],
      [['--config', 'empty.mjs'], {}, 2, /`routes` is empty/],
      [['--config', 'unknown.mjs'], {}, 2, /unknown option `speed`/],
      [['--config', 'proxy.json'], {}, 2, /WAYBILL_PROXY_SECRET/],
      [['--config', 'open.json'], { WAYBILL_SECRET: '' }, 3, /WAYBILL_SECRET is not set/],
      [['--config', 'open.json'], { WAYBILL_SECRET: 'short' }, 2, /at least 32 random characters/],
      [['--config', 'open.json'], { WAYBILL_S3_BUCKET: '' }, 3, /WAYBILL_S3_BUCKET is not set/],
      [['--config', 'open.json'], { WAYBILL_S3_PRESET: 'floppy' }, 3, /Unknown capabilities.*\n.*WAYBILL_S3_/],
      [['--config', 'open.json'], { WAYBILL_LEDGER: 'redis://x:hidden@y' }, 3, /sqlite:FILE, postgres/],
      [
        ['--config', 'open.json'],
        { WAYBILL_LEDGER: 'postgres://x:hidden@127.0.0.1:1/db' },
        3,
        /ledger cannot be opened/,
      ],
      [
        ['--config', 'open.json'],
        { WAYBILL_LEDGER: 'none', WAYBILL_WEBHOOK_URL: 'https://app.example' },
        2,
        /webhooks/,
      ],
      [['--config', 'open.json', '--log', 'loud'], {}, 2, /"loud" is not a log level/],
      [['--config', 'open.json', '--grace', '-1'], {}, 2, /--grace/],
      [['--config', 'open.json', '--port', '99999'], {}, 2, /is not a port/],
      [['--config', 'open.json', '--prot', '1'], {}, 2, /Did you mean --port/],
      [['--config', 'open.json', '--admin'], { WAYBILL_LEDGER: 'none' }, 2, /reads the ledger/],
      [['--config', 'open.json', '--admin', '--ops-host', '0.0.0.0'], {}, 2, /WAYBILL_ADMIN_TOKEN/],
      [['--config', 'open.json', '--admin'], { WAYBILL_ADMIN_TOKEN: 'short' }, 2, /too short/],
    ];
    const checked = await mapLimited(wrong, 2, async ([args, env, code, says]) => {
      const port = args.includes('--port') ? [] : ['--port', '0'];
      const ended = await serving.finish(['serve', ...port, '--ops-port', '0', ...args], env);
      expect([args, ended.code, ended.err]).toEqual([args, code, expect.stringMatching(says)]);
      expect(ended.err + ended.out).not.toMatch(/^\s+at .*:\d+|hidden/m);
    });
    expect(checked).toHaveLength(wrong.length);
  });
});

describe('waybill migrate', () => {
  it('checks, migrates, and refuses the schema of a newer Waybill', async () => {
    const env = { WAYBILL_LEDGER: `sqlite:${join(serving.dir, 'migrate.db')}` };
    const migrate = async (...args: string[]) => {
      const { code, out } = await serving.finish(['migrate', ...args], env);
      return `${code} ${out}`;
    };
    expect(await migrate('--check')).toMatch(/^1 Version 0 /);
    expect(await migrate()).toMatch(/^0 Migrated from version 0 /);
    expect(await migrate('--check')).toMatch(/^0 Version \d+ of the schema: up to date/);
    expect(await migrate('now')).toMatch(/^2 /);
    const database = new Libsql(join(serving.dir, 'migrate.db'));
    database.exec('insert into waybill_migrations values (999, 0)');
    database.close();
    const newer = await serving.finish(['migrate'], env);
    expect([newer.code, newer.err]).toEqual([3, expect.stringMatching(/newer Waybill/)]);
    const served = await serving.finish(['serve', '--config', 'open.json', '--port', '0', '--ops-port', '0'], env);
    expect([served.code, served.err]).toEqual([3, expect.stringMatching(/newer Waybill/)]);
    expect((await serving.finish(['migrate'], { WAYBILL_LEDGER: 'none' })).code).toBe(3);
  });
});
