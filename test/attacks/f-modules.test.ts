/** F7: a server recovers when loading a module fails once. Attack ids: docs/threat-model.md. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type BuiltCli, buildCli } from '../cli/built-cli.ts';
import { createServing, declare, type Serving, upload, writeJson } from '../cli/serving.ts';
import { png } from './app.ts';

/** Enough to start the server, and few enough that a test can use them up. */
const maxOpenFiles = 400;

let cli: BuiltCli;
let serving: Serving;

beforeAll(async () => {
  cli = await buildCli();
  serving = await createServing(cli);
  await writeJson(serving.dir, 'open.json', {
    routes: { files: { authorize: 'anyone', limits: { maxBytes: 1_000_000, contentTypes: ['image/*'] } } },
  });
});

afterAll(async () => {
  await serving.close();
  await cli.remove();
});

/** Opens a connection and sends a request, which proves that the server has accepted the connection. */
async function openConnection(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  await request(socket, 'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n');
  return socket;
}

/** Sends a request on the connection and returns the status of its answer. */
async function request(socket: Socket, text: string): Promise<number> {
  socket.write(text);
  const [data] = (await once(socket, 'data')) as [Buffer];
  return Number(/^HTTP\/1\.1 (\d+)/.exec(data.toString())?.[1]);
}

it('F7 a server whose file descriptors were used up by connections works when they are closed', async () => {
  const { url } = await serving.serve(['--config', 'open.json', '--sweep-every', '0'], {}, maxOpenFiles);
  const port = Number(new URL(url).port);
  const own = await openConnection(port);
  const others: Socket[] = [];
  // Node closes a connection that it cannot accept, which shows that no descriptor is left.
  const usedUp = new Promise<void>((resolve) => {
    for (let count = 0; count < 2 * maxOpenFiles; count += 1) {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      socket.on('close', () => resolve());
      others.push(socket);
    }
  });
  await usedUp;
  const body = JSON.stringify({ route: 'files', files: [declare(png)] });
  const head = 'POST /uploads HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';
  await request(own, `${head}content-length: ${body.length}\r\n\r\n${body}`);
  const closed = Promise.all(others.map((socket) => (socket.destroyed ? undefined : once(socket, 'close'))));
  for (const socket of others) socket.destroy();
  await closed;

  expect((await upload(url, png)).status).toBe(200);
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  own.destroy();
});
