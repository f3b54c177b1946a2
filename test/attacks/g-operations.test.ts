/** G8: the operations server and the files of the SQLite ledger. Attack ids: docs/threat-model.md. */
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { createAdmin } from '../../src/cli/admin/index.ts';
import { createMetrics } from '../../src/cli/serve/metrics.ts';
import { createOpsServer } from '../../src/cli/serve/ops-server.ts';
import { sqliteLedger } from '../../src/ledger/sqlite.ts';
import { forEachLedger } from '../support/ledgers.ts';
import { sendRaw } from './app.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

forEachLedger('operations server', (testLedger) => {
  async function start() {
    const ledger = await testLedger.open();
    const hostNames = ['ops.example'];
    const failures: unknown[] = [];
    const completeUpload = () => Promise.reject(new Error('not here'));
    const admin = createAdmin({
      uploads: { completeUpload },
      ledger,
      hostNames,
      token: undefined,
      onError: (error) => failures.push(error),
    });
    const readiness = { missing: async () => [], setNotReady() {} };
    const server: Server = createOpsServer({ metrics: createMetrics(), readiness, admin, hostNames } as never);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing.push(() => {
      server.closeAllConnections();
      server.close();
      return once(server, 'close');
    });
    const { port } = server.address() as AddressInfo;
    const request = (path: string, host?: string) =>
      sendRaw('GET', `http://127.0.0.1:${port}${path}`, null, host === undefined ? {} : { host });
    return { ledger, request, failures, port };
  }

  it('G8 every path checks the host name', async () => {
    const { request, port } = await start();
    const paths = [
      '/',
      '/uploads',
      '/owners',
      '/webhooks',
      '/admin.css',
      '/healthz',
      '/readyz',
      '/metrics',
      '/nothing',
    ];
    for (const path of paths) {
      for (const host of ['evil.example', 'evil.example:9464', '127.0.0.1.evil.example', 'xops.example'])
        expect([path, host, (await request(path, host)).status]).toEqual([path, host, 421]);
      const status = path === '/nothing' ? 404 : 200;
      for (const host of [undefined, 'ops.example', `OPS.example:${port}`, 'localhost:1', '127.0.0.1', '[::1]:9464'])
        expect([path, host, (await request(path, host)).status]).toEqual([path, host, status]);
    }
  });

  it('G8 an invalid cursor is not an error of the server', async () => {
    const { request, failures } = await start();
    const cursors = [
      'x',
      '.',
      '1.',
      '.a',
      '-1.a',
      '1e5.a',
      'NaN.a',
      `${'9'.repeat(400)}.a`,
      '99999999999999999999.a',
      '9007199254740993.a',
      '1.%00',
      '1.a%00b',
      '1.%ed%a0%80',
      `1.${'a'.repeat(5000)}`,
      "1.a'%20or%201=1",
      '1.%F0%9F%98%80',
      '%',
    ];
    for (const path of ['/uploads', '/owners', '/webhooks'])
      for (const cursor of cursors) {
        const { status } = await request(`${path}?after=${cursor}`);
        expect([path, cursor, status, failures]).toEqual([path, cursor, 200, []]);
      }
  });
});

it('G8 the file of the ledger, its log and its index are readable only by their owner', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'waybill-ledger-mode-'));
  closing.push(() => rm(dir, { recursive: true, force: true }));
  const file = join(dir, 'uploads.db');
  const ledger = await sqliteLedger({ file });
  closing.push(async () => ledger.close());
  for (const suffix of ['', '-wal', '-shm'])
    expect([suffix, ((await stat(file + suffix)).mode & 0o777).toString(8)]).toEqual([suffix, '600']);
});
