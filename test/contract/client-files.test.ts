/** `waybill/client/files` against a real server: lists, renames and deletes stored files. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { toNodeHandler } from '../../src/adapters/node.ts';
import { createFilesClient } from '../../src/client/files.ts';
import { sqliteLedger } from '../../src/ledger/sqlite.ts';
import { type Ledger, route } from '../../src/server/index.ts';
import { createTestApp, png, send } from '../support/server-app.ts';
import { forEachStore } from '../support/stores.ts';

const limits = { maxBytes: 1000 };

forEachStore('client/files', (store) => {
  const tokens = new Set<string>();
  const authorize = ({ request }: { request: { header(name: string): string | undefined } }) => {
    const token = request.header('authorization') ?? '';
    return tokens.has(token) ? { ownerId: token.split('-')[0] as string } : null;
  };
  const createApp = (ledger: Ledger) =>
    createTestApp(
      store.storage(),
      {
        photos: route({ limits, authorize, authorizeList: 'owner', authorizeRename: 'owner' }),
        closed: route({ limits, authorize }),
      },
      { ledger, basePath: '/api', publicUrl: 'https://public.example' },
    );
  type App = ReturnType<typeof createApp>;
  const seen: { method: string; path: string; token: string | undefined }[] = [];
  /** Statuses that the proxy in front of the app answers first. */
  const failing: number[] = [];
  let app: App;
  let ledger: Ledger;
  let server: Server;
  let origin: string;

  beforeAll(async () => {
    ledger = await sqliteLedger({ file: ':memory:' });
    app = createApp(ledger);
    const handler = toNodeHandler(app.uploads);
    server = createServer((request, response) => {
      const { method = '', url = '', headers } = request;
      seen.push({ method, path: url, token: headers.authorization });
      const status = failing.shift();
      if (status === undefined) void handler(request, response);
      else response.writeHead(status).end('<h1>Busy</h1>');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  beforeEach(() => {
    seen.length = 0;
    failing.length = 0;
    tokens.add('anna-1').add('bob-1');
  });
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await ledger.close?.();
  });

  const clientOf = (token: string) =>
    createFilesClient<App['uploads']>({
      endpoint: `${origin}//api/uploads/`,
      headers: () => ({ authorization: token }),
    });

  async function storeFile(fileName: string, token = 'anna-1', name = 'photos') {
    const headers = { authorization: token };
    const body = { route: name, files: [app.declare(png, { fileName })] };
    const { json } = await app.call('POST', '/api/uploads', body, headers);
    const upload = json.uploads?.[0];
    if (!upload) throw new Error(`Not granted: ${JSON.stringify(json)}`);
    await send(upload.request, png);
    await app.call('POST', '/api/uploads/complete', { grants: [upload.grant] }, headers);
  }

  it('listFiles() follows the cursor, renameFile() and deleteFile() change the file', async () => {
    const client = clientOf('anna-1');
    for (const name of ['one.png', 'two.png', 'three.png']) await storeFile(name);
    await storeFile('other.png', 'bob-1');
    const first = await client.listFiles('photos', { limit: 2 });
    const second = await client.listFiles('photos', { limit: 2, cursor: first.cursor });
    const files = [...first.files, ...second.files];
    expect(files.map(({ fileName }) => fileName)).toEqual(['three.png', 'two.png', 'one.png']);
    expect(second.cursor).toBeNull();
    const [file] = files as [(typeof files)[0]];
    const renamed = await client.renameFile(file, 'Überblick.png');
    expect(renamed).toMatchObject({ uploadId: file.uploadId, fileName: 'Überblick.png', size: png.length });
    expect(await client.listFiles('photos', { limit: 1 })).toMatchObject({ files: [renamed] });
    for (const one of [renamed, ...files]) await client.deleteFile(one.url);
    expect(await client.listFiles('photos')).toEqual({ files: [], cursor: null });
    expect((await clientOf('bob-1').listFiles('photos')).files).toHaveLength(1);
  });

  it('the headers are sent only to the endpoint, regardless of the URL of the file', async () => {
    const client = clientOf('anna-1');
    await storeFile('one.png');
    const [file] = (await client.listFiles('photos')).files;
    // The server gives absolute URLs of another host, which does not exist.
    expect(file?.url).toMatch(/^https:\/\/public\.example\/api\/files\//);
    await client.deleteFile({ url: `${file?.url}?download=1#top` });
    expect(seen.at(-1)).toMatchObject({ method: 'DELETE', token: 'anna-1' });
    for (const url of ['', 'https://evil.example/', '/files/..', 'https://evil.example/files/a b.c', 'a.b/c'])
      await expect(client.renameFile({ url }, 'x.png')).rejects.toMatchObject({ code: 'invalid_request' });
    expect(seen).toHaveLength(2);
  });

  it('a refused call has the error of the server', async () => {
    const client = clientOf('anna-1');
    await storeFile('one.png', 'bob-1');
    const [file] = (await clientOf('bob-1').listFiles('photos')).files as unknown as [{ url: string }];
    const errors = await Promise.all(
      [
        client.renameFile(file, 'x.png'),
        client.deleteFile(file),
        client.listFiles('closed'),
        client.listFiles('photos', { ownerId: 'bob' }),
        client.listFiles('photos', { cursor: 'x' }),
        clientOf('bob-1').renameFile(file, ''),
      ].map((call) => Promise.resolve<unknown>(call).catch((error) => error.code)),
    );
    expect(errors).toEqual([
      'upload_not_found',
      'upload_not_found',
      'route_not_found',
      'forbidden',
      'invalid_request',
      'invalid_request',
    ]);
  });

  it('a call is repeated after a 401 with new headers, and after an answer of a proxy', async () => {
    const renewed = ['old-1', 'anna-1', 'anna-1'];
    const client = createFilesClient({
      endpoint: `${origin}/api/uploads`,
      headers: async () => ({ authorization: renewed.shift() ?? '' }),
      retries: 1,
    });
    expect((await client.listFiles('photos')).cursor).toBeNull();
    expect(seen.map(({ token }) => token)).toEqual(['old-1', 'anna-1']);
    failing.push(502);
    expect((await clientOf('anna-1').listFiles('photos')).cursor).toBeNull();
    failing.push(502, 200);
    await expect(client.listFiles('photos')).rejects.toMatchObject({ code: 'network_error', retryable: true });
    await expect(client.listFiles('photos')).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('a call that is stopped fails with aborted', async () => {
    const signal = AbortSignal.abort();
    await expect(clientOf('anna-1').listFiles('photos', { signal })).rejects.toMatchObject({ code: 'aborted' });
    failing.push(503, 503, 503, 503, 503, 503, 503, 503);
    const controller = new AbortController();
    const call = clientOf('anna-1').listFiles('photos', { signal: controller.signal });
    await expect.poll(() => seen.length).toBeGreaterThan(0);
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: 'aborted' });
  });
});
