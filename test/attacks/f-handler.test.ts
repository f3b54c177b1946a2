/** F3 on the production server: whoever sends slowly, or without end, is cut short; others are answered, and memory is flat. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createMainServer, type Patience } from '../../src/cli/serve/main-server.ts';
import { createReadiness } from '../../src/cli/serve/readiness.ts';
import { forEachStore } from '../support/stores.ts';
import { type App, png, sendRaw, startApp } from './app.ts';

const patience = { headersTimeoutMs: 400, requestTimeoutMs: 800, idleTimeoutMs: 400, checkEveryMs: 50 };
/** Far beyond the above, also on a busy machine. */
const enough = 15_000;

forEachStore(
  'a production server',
  (store) => {
    let app: App;
    let server: Server;
    let port: number;
    const arrived: Socket[] = [];
    const senders: Socket[] = [];

    beforeEach(() => start(patience));

    async function start(of: Patience): Promise<void> {
      app = await startApp(store);
      const { uploads, storage } = app;
      const readiness = createReadiness({ storage, ledger: undefined, uploads });
      server = createMainServer(uploads, readiness, of);
      server.on('connection', (socket) => arrived.push(socket));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      port = (server.address() as AddressInfo).port;
    }

    afterEach(stop);

    async function stop(): Promise<void> {
      for (const sender of senders.splice(0)) sender.destroy();
      arrived.length = 0;
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      await app.stop();
    }

    /** @returns the sender, and what it was answered when its connection has ended */
    function open(head: string) {
      const socket = connect(port, '127.0.0.1');
      senders.push(socket);
      let answer = '';
      socket.on('data', (data) => {
        answer += data.toString();
      });
      // The server may reset what it does not want.
      socket.on('error', () => {});
      socket.write(head);
      const ended = new Promise<string>((resolve, reject) => {
        const late = setTimeout(() => reject(new Error('It was never cut.')), enough);
        socket.once('close', () => {
          clearTimeout(late);
          resolve(answer);
        });
      });
      ended.catch(() => {});
      return { socket, ended };
    }

    const head = (more: string) =>
      `POST /uploads HTTP/1.1\r\nhost: x\r\nx-user: alice\r\ncontent-type: application/json\r\n${more}\r\n`;

    it('F3 slow senders are cut: headers that trickle, a body that stops, a connection that says nothing', async () => {
      const trickling = open('POST /uploads HTTP/1.1\r\nhost: x\r\n');
      const drip = setInterval(() => trickling.socket.write('x-more: 1\r\n'), 50);
      const stopped = open(`${head('content-length: 1000\r\n')}{"route":`);
      const silent = open('');
      const idle = open('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n');
      try {
        expect(await trickling.ended).toMatch(/^(HTTP\/1\.1 408 |$)/);
        expect(await stopped.ended).toMatch(/^(HTTP\/1\.1 (408|400) |$)/);
        expect(await silent.ended).toMatch(/^(HTTP\/1\.1 408 |$)/);
        expect(await idle.ended).toMatch(/^HTTP\/1\.1 200 /);
      } finally {
        clearInterval(drip);
      }
      // That somebody went away is nobody's failure.
      expect(app.events.filter((event) => ((event as { status?: number }).status ?? 0) >= 500)).toEqual([]);
    });

    it('F3 others are answered while a thousand slow senders hold on', async () => {
      const slow = Array.from({ length: 1000 }, () => open(`${head('content-length: 1000\r\n')}{"route":`));
      await once(server, 'request');
      const answer = await sendRaw('GET', `http://127.0.0.1:${port}/healthz`, null);
      expect(answer.status).toBe(200);
      const ended = await Promise.all(slow.map((one) => one.ended));
      expect(ended).toHaveLength(1000);
    });

    it('F3 a body without end is refused at the cap, by however many at once', async () => {
      await stop();
      await start({ ...patience, headersTimeoutMs: enough, requestTimeoutMs: enough });
      const cap = app.uploads.config.maxBodyBytes;
      const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
      const swollen = Array.from({ length: 50 }, () => {
        const one = open(head('transfer-encoding: chunked\r\n'));
        const more = () => {
          // As fast as it is taken.
          while (!one.socket.destroyed && one.socket.write(chunk));
        };
        one.socket.on('drain', more);
        more();
        return one;
      });
      for (const { ended } of swollen) expect(await ended).toMatch(/^(HTTP\/1\.1 413 |$)/);
      expect(arrived).toHaveLength(50);
      // What was on its way when it was refused comes on top, and is dropped.
      for (const { bytesRead } of arrived) expect(bytesRead).toBeLessThan(cap + 1024 * 1024);
    });

    it('F3 a declared length over the cap, and swollen headers, are refused unread', async () => {
      const declared = open(`${head('content-length: 1000000000\r\n')}{`);
      expect(await declared.ended).toMatch(/^HTTP\/1\.1 413 /);
      const swollen = open(head(`x-swollen: ${'x'.repeat(64 * 1024)}\r\n`));
      expect(await swollen.ended).toMatch(/^HTTP\/1\.1 431 /);
    });

    it('F3 deep JSON, wherever it stands, is no failure of the server', async () => {
      const deep = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
      const files = JSON.stringify([await app.declare(png)]);
      for (const depth of [100, 10_000, 40_000])
        for (const body of [
          `{"route":"files","files":${files},"metadata":${deep(depth)}}`,
          `{"route":"files","files":[${deep(depth)}]}`,
          `{"grants":[${deep(depth)}]}`,
          deep(depth),
        ])
          for (const path of ['/uploads', '/uploads/complete', '/uploads/parts', '/uploads/abort']) {
            const answer = await sendRaw('POST', `http://127.0.0.1:${port}${path}`, Buffer.from(body), {
              'content-type': 'application/json',
              'content-length': String(Buffer.byteLength(body)),
              'x-user': 'alice',
            });
            expect([path, depth, body.slice(0, 30), answer.status < 500]).toEqual([
              path,
              depth,
              body.slice(0, 30),
              true,
            ]);
          }
    });
  },
  { only: ['devstore'] },
);
