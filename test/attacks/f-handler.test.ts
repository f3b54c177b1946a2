/**
 * F3 on the production server: slow or endless senders are disconnected, and other requests are answered.
 * Attack ids: docs/threat-model.md.
 */
import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createMainServer, type Timeouts } from '../../src/cli/serve/main-server.ts';
import { createReadiness } from '../../src/cli/serve/readiness.ts';
import { forEachStore } from '../support/stores.ts';
import { type App, png, sendRaw, startApp } from './app.ts';

const patience = { headersTimeoutMs: 400, requestTimeoutMs: 800, idleTimeoutMs: 400, checkEveryMs: 50 };
/** Longer than every timeout above, also on a busy machine. */
const deadlineMs = 15_000;

forEachStore(
  'a production server',
  (store) => {
    let app: App;
    let server: Server;
    let port: number;
    const arrived: Socket[] = [];
    const senders: Socket[] = [];

    beforeEach(() => start(patience));

    async function start(timeouts: Timeouts): Promise<void> {
      app = await startApp(store);
      const { uploads, storage } = app;
      const readiness = createReadiness({ storage, ledger: undefined, uploads });
      server = createMainServer(uploads, readiness, timeouts);
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

    /** Opens a connection and sends `head`. `ended` resolves with the answer when the connection is closed. */
    function open(head: string) {
      const socket = connect(port, '127.0.0.1');
      senders.push(socket);
      let answer = '';
      socket.on('data', (data) => {
        answer += data.toString();
      });
      // The server may reset the connection.
      socket.on('error', () => {});
      socket.write(head);
      const ended = new Promise<string>((resolve, reject) => {
        const late = setTimeout(() => reject(new Error('The connection was not closed.')), deadlineMs);
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

    it('F3 slow senders are disconnected: slow headers, an unfinished body, an idle connection', async () => {
      const slowHeaders = open('POST /uploads HTTP/1.1\r\nhost: x\r\n');
      const timer = setInterval(() => slowHeaders.socket.write('x-more: 1\r\n'), 50);
      const unfinishedBody = open(`${head('content-length: 1000\r\n')}{"route":`);
      const silent = open('');
      const idle = open('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n');
      try {
        expect(await slowHeaders.ended).toMatch(/^(HTTP\/1\.1 408 |$)/);
        expect(await unfinishedBody.ended).toMatch(/^(HTTP\/1\.1 (408|400) |$)/);
        expect(await silent.ended).toMatch(/^(HTTP\/1\.1 408 |$)/);
        expect(await idle.ended).toMatch(/^HTTP\/1\.1 200 /);
      } finally {
        clearInterval(timer);
      }
      // A disconnected sender is not an error of the server.
      expect(app.events.filter((event) => ((event as { status?: number }).status ?? 0) >= 500)).toEqual([]);
    });

    it('F3 other requests are answered while a thousand slow senders are connected', async () => {
      const slow = Array.from({ length: 1000 }, () => open(`${head('content-length: 1000\r\n')}{"route":`));
      await once(server, 'request');
      const answer = await sendRaw('GET', `http://127.0.0.1:${port}/healthz`, null);
      expect(answer.status).toBe(200);
      const ended = await Promise.all(slow.map((sender) => sender.ended));
      expect(ended).toHaveLength(1000);
    });

    it('F3 a body without end is refused at maxBodyBytes, also from fifty senders at once', async () => {
      await stop();
      await start({ ...patience, headersTimeoutMs: deadlineMs, requestTimeoutMs: deadlineMs });
      const maxBodyBytes = app.uploads.config.maxBodyBytes;
      const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
      const endless = Array.from({ length: 50 }, () => {
        const sender = open(head('transfer-encoding: chunked\r\n'));
        const writeMore = () => {
          while (!sender.socket.destroyed && sender.socket.write(chunk));
        };
        sender.socket.on('drain', writeMore);
        writeMore();
        return sender;
      });
      for (const { ended } of endless) expect(await ended).toMatch(/^(HTTP\/1\.1 413 |$)/);
      expect(arrived).toHaveLength(50);
      // Bytes that were in flight when the body was refused are read and dropped.
      for (const { bytesRead } of arrived) expect(bytesRead).toBeLessThan(maxBodyBytes + 1024 * 1024);
    });

    it('F3 a declared length over maxBodyBytes and oversized headers are refused before they are read', async () => {
      const declared = open(`${head('content-length: 1000000000\r\n')}{`);
      expect(await declared.ended).toMatch(/^HTTP\/1\.1 413 /);
      const oversized = open(head(`x-oversized: ${'x'.repeat(64 * 1024)}\r\n`));
      expect(await oversized.ended).toMatch(/^HTTP\/1\.1 431 /);
    });

    it('F3 deep JSON in any field never answers 500', async () => {
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
