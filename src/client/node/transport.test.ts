import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { TransportRequest } from '../types.ts';
import { fileSource, nodeTransport } from './index.ts';

let server: Server;
let url: string;
let dir: string;
let handle: (request: IncomingMessage, response: ServerResponse) => void;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'waybill-transport-'));
  server = createServer((request, response) => handle(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
  await rm(dir, { recursive: true, force: true });
});

async function put(size: number, more: Partial<TransportRequest> = {}): Promise<TransportRequest> {
  const path = join(dir, 'file');
  await writeFile(path, Buffer.alloc(size, 'x'));
  const source = await fileSource(path);
  return { method: 'PUT', url, headers: { 'x-signed': '1' }, source, signal: new AbortController().signal, ...more };
}

const bodyOf = async (request: IncomingMessage) => {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
};

it('nodeTransport() sends the length, the headers and the bytes, and reports progress', async () => {
  let got: { headers: IncomingMessage['headers']; size: number } | undefined;
  handle = async (request, response) => {
    got = { headers: request.headers, size: (await bodyOf(request)).length };
    response.setHeader('ETag', '"e"').end('stored');
  };
  const seen: number[] = [];
  const answer = await nodeTransport().send(await put(3_000_000, { onProgress: (loaded) => seen.push(loaded) }));
  expect(answer).toMatchObject({ status: 200, text: 'stored' });
  expect(answer.header('etag')).toBe('"e"');
  expect(got).toMatchObject({ size: 3_000_000, headers: { 'content-length': '3000000', 'x-signed': '1' } });
  expect(got?.headers).not.toHaveProperty('transfer-encoding');
  expect(seen.at(-1)).toBe(3_000_000);
});

it('nodeTransport() sends an empty file as an empty body', async () => {
  handle = async (request, response) => {
    response.end(`${request.headers['content-length']} ${(await bodyOf(request)).length}`);
  };
  expect((await nodeTransport().send(await put(0))).text).toBe('0 0');
});

it('nodeTransport() sends forms with the fields in order, the file last, and a length', async () => {
  handle = async (request, response) => {
    const body = await bodyOf(request);
    const form = await new Response(body, {
      headers: { 'content-type': request.headers['content-type'] ?? '' },
    }).formData();
    const file = form.get('file') as File;
    response.end(
      JSON.stringify([
        [...form.keys()],
        form.get('a"b'),
        file.size,
        Number(request.headers['content-length']) === body.length,
      ]),
    );
  };
  const fields = { key: 'k', 'a"b': 'ü\r\nä' };
  const answer = await nodeTransport().send(await put(70_000, { method: 'POST', fields }));
  expect(JSON.parse(answer.text)).toEqual([['key', 'a"b', 'file'], 'ü\r\nä', 70_000, true]);
});

it('nodeTransport() reads an early refusal, and stops sending', async () => {
  let received = 0;
  handle = (request, response) => {
    response.writeHead(403).end('<Code>AccessDenied</Code>');
    request.socket.once('close', () => {
      received = request.socket.bytesRead;
    });
  };
  const answer = await nodeTransport().send(await put(20_000_000));
  expect(answer).toMatchObject({ status: 403, text: '<Code>AccessDenied</Code>' });
  await vi.waitFor(() => expect(received).toBeGreaterThan(0));
  expect(received).toBeLessThan(20_000_000);
});

it('nodeTransport() rejects when the connection breaks, and when no server listens', async () => {
  handle = (request) => request.socket.destroy();
  await expect(nodeTransport().send(await put(20_000_000))).rejects.toThrow();
  await expect(nodeTransport().send(await put(5, { url: 'http://127.0.0.1:9/' }))).rejects.toThrow();
});

it('nodeTransport() names the address of a redirect without its query', async () => {
  handle = (_, response) => void response.writeHead(302, { location: '/sign-in?token=secret-value' }).end();
  const { signal } = new AbortController();
  const request = { method: 'POST', url: `${url}?key=other-secret`, headers: {}, signal };
  const failure = await nodeTransport()
    .send(request)
    .catch((error) => error);
  expect(failure).toMatchObject({ code: 'network_error' });
  expect(failure.details.hint).toContain('/sign-in');
  expect(JSON.stringify(failure)).not.toMatch(/secret/);
});

it('nodeTransport() stops after an abort, also before it has begun', async () => {
  const controller = new AbortController();
  handle = () => controller.abort();
  await expect(nodeTransport().send(await put(5, { signal: controller.signal }))).rejects.toThrow();
  await expect(nodeTransport().send(await put(5, { signal: AbortSignal.abort() }))).rejects.toThrow();
});

it('nodeTransport() does not send a file that has changed since fileSource()', async () => {
  handle = async (request, response) => {
    await bodyOf(request).catch(() => {});
    response.end();
  };
  const request = await put(1000);
  await writeFile(join(dir, 'file'), 'something else');
  await expect(nodeTransport().send(request)).rejects.toMatchObject({ code: 'source_changed' });
});

it('fileSource() hashes and sends any range, and fails when the file has changed or was deleted', async () => {
  const bytes = randomBytes(5 * 1024 * 1024 + 7);
  const path = join(dir, 'ranges');
  await writeFile(path, bytes);
  let got = Buffer.alloc(0);
  handle = async (request, response) => {
    got = await bodyOf(request);
    response.end();
  };
  const source = await fileSource(path);
  const { signal } = new AbortController();
  const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('base64');
  // With the thread and without it, across the borders of pieces, at the end, and an empty range.
  for (const [start, end] of [
    [0, bytes.length],
    [3, 3 + 2 * 1024 * 1024],
    [256 * 1024 - 1, 512 * 1024 + 1],
    [bytes.length - 5, bytes.length],
    [9, 9],
  ] as const) {
    const part = source.slice(start, end);
    expect(await part.checksum?.('sha256', signal)).toBe(sha256(bytes.subarray(start, end)));
    await nodeTransport().send({ method: 'PUT', url, headers: {}, source: part, signal });
    expect(got.equals(bytes.subarray(start, end))).toBe(true);
  }
  expect(await source.checksum?.('md5', signal)).toBe(createHash('md5').update(bytes).digest('base64'));
  await truncate(path, bytes.length - 1);
  await expect(source.checksum?.('sha256', signal)).rejects.toMatchObject({ code: 'source_changed' });
  await rm(path);
  await expect(source.checksum?.('sha256', signal)).rejects.toMatchObject({ code: 'source_unreadable' });
});
