/**
 * G6, the operator's page: token, host name, origin, and escaping of hostile names. Attack ids: docs/threat-model.md.
 */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { afterEach, expect, it } from 'vitest';
import { createAdmin } from '../../src/cli/admin/index.ts';
import type { Ledger } from '../../src/server/index.ts';
import { forEachLedger } from '../support/ledgers.ts';
import { parkedUpload, writeWebhook } from '../support/recorded-uploads.ts';
import { sendRaw } from './app.ts';

const token = 'a token of the operators';

forEachLedger('operator page', (testLedger) => {
  const servers: Server[] = [];
  let completed: string[] = [];

  async function start(options: { token?: string; ledger?: Ledger } = {}) {
    completed = [];
    const ledger = options.ledger ?? (await testLedger.open());
    const admin = createAdmin({
      uploads: {
        async completeUpload(uploadId) {
          completed.push(uploadId);
          return { uploadId, completing: true } as never;
        },
      },
      ledger,
      hostNames: ['ops.example'],
      token: options.token,
      onError: () => {},
    });
    const server = createAdaptorServer({ fetch: admin.fetch }) as Server;
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const request = (method: string, path: string, headers: Record<string, string> = {}) =>
      sendRaw(method, `http://127.0.0.1:${port}${path}`, null, headers);
    return { ledger, port, request };
  }

  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    }
  });

  it('G6 admin: every path answers 401 without the token', async () => {
    const { ledger, request } = await start({ token });
    const uploadId = await parkedUpload(ledger);
    const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
    const wrong = [
      '',
      'Basic',
      'Bearer ',
      `Bearer ${token}x`,
      `Bearer ${token.slice(0, -1)}`,
      basic(token),
      basic(':'),
    ];
    for (const authorization of [...wrong, basic(`${token}:`), basic(`x:${token}:`)])
      for (const [method, path] of [
        ['GET', '/'],
        ['GET', '/uploads'],
        ['GET', '/owners'],
        ['GET', '/webhooks'],
        ['POST', `/retry/${uploadId}`],
        ['GET', '/nothing'],
      ] as const) {
        const answer = await request(method, path, authorization === '' ? {} : { authorization });
        expect([authorization, path, answer.status]).toEqual([authorization, path, 401]);
        expect(answer.text).not.toContain(uploadId);
      }
    expect((await ledger.find(uploadId))?.callback.parkedAt).not.toBeNull();
    for (const authorization of [`Bearer ${token}`, basic(`anyone:${token}`)])
      expect((await request('GET', '/', { authorization })).status).toBe(200);
  });

  it('G6 admin: a rebound host name is refused', async () => {
    const { request, port } = await start();
    for (const host of ['evil.example', `evil.example:${port}`, 'localhost.evil.example', '127.0.0.1.evil.example'])
      expect([host, (await request('GET', '/', { host })).status >= 400]).toEqual([host, true]);
    for (const host of ['localhost', `localhost:${port}`, '127.0.0.1', '[::1]', 'ops.example', 'OPS.example:8080'])
      expect([host, (await request('GET', '/', { host })).status]).toEqual([host, 200]);
  });

  it('G6 admin: a request of another origin changes nothing', async () => {
    const { ledger, port, request } = await start();
    const uploadId = await parkedUpload(ledger);
    const webhookId = await writeWebhook(ledger);
    const [before] = (await ledger.listWebhooks()).webhooks;
    const paths = [`/retry/${uploadId}`, `/replay/${webhookId}`];
    for (const path of paths) {
      for (const headers of [
        { origin: 'https://evil.example' },
        { origin: 'null' },
        { origin: `http://127.0.0.1:${port + 1}` },
        { origin: `https://127.0.0.1.evil.example:${port}` },
        { 'sec-fetch-site': 'cross-site' },
        { 'sec-fetch-site': 'same-site' },
      ] as Record<string, string>[])
        expect([headers, (await request('POST', path, headers)).status]).toEqual([headers, 403]);
      // Links and images of other pages send GET.
      expect((await request('GET', path)).status).toBe(404);
    }
    expect((await ledger.find(uploadId))?.callback.parkedAt).not.toBeNull();
    expect((await ledger.listWebhooks()).webhooks).toEqual([before]);
    expect(completed).toEqual([]);
    for (const path of paths)
      expect((await request('POST', path, { origin: `http://127.0.0.1:${port}` })).status).toBe(303);
    expect((await ledger.find(uploadId))?.callback.parkedAt).toBeNull();
    expect(completed).toEqual([uploadId]);
  });

  it('G6 admin: hostile names are shown as text, and no script runs', async () => {
    const { ledger, request } = await start();
    const name = '"><img src=x onerror=alert(1)>\u202egnp.exe';
    await parkedUpload(ledger, { fileName: name, ownerId: "o'<script>alert(2)</script>" });
    const owner = encodeURIComponent("o'<script>alert(2)</script>");
    for (const path of [
      '/',
      '/uploads',
      `/uploads?owner=${owner}&route=%22%3E%3Cscript%3E`,
      '/owners',
      '/webhooks?state=%3Cscript%3E',
    ]) {
      const answer = await request('GET', path);
      expect([path, answer.status]).toEqual([path, 200]);
      expect(answer.text).not.toMatch(/<(script|img)|\u202e/);
      const policy = String(answer.headers['content-security-policy']);
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/script-src|unsafe/);
      expect(answer.headers['x-content-type-options']).toBe('nosniff');
      expect(answer.headers['cache-control']).toBe('no-store');
    }
    expect((await request('GET', '/')).text).toContain('&lt;img src=x onerror=alert(1)&gt;');
  });

  it('G6 admin: invalid parameters are answered, and a closed ledger answers 503', async () => {
    const { ledger, request } = await start();
    for (const path of [
      '/uploads?state=constructor&olderThan=__proto__&after=nonsense',
      '/uploads?after=%00%ff&owner=%00&route=%00x',
      '/owners?after=%27%3B--',
      '/webhooks?after=nonsense&state=toString',
      '/?said=constructor',
    ])
      expect([path, (await request('GET', path)).status]).toEqual([path, 200]);
    expect((await request('POST', '/retry/not-an-id')).status).toBe(404);
    expect((await request('POST', `/retry/${'0'.repeat(32)}`)).status).toBe(409);
    expect((await request('POST', '/replay/msg_unknown')).status).toBe(404);
    await ledger.close();
    const unavailable = await request('GET', '/');
    expect([unavailable.status, unavailable.text]).toEqual([
      503,
      expect.stringContaining('The ledger does not answer'),
    ]);
    expect(unavailable.headers['content-security-policy']).toContain("default-src 'none'");
  });
});
