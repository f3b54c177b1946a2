/** G1, G2, G4, G5 and F3: the handler as an HTTP server. Attack ids: docs/threat-model.md. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { errorTable, isErrorCode } from '../../src/protocol/index.ts';
import { route } from '../../src/server/index.ts';
import { forEachStore } from '../support/stores.ts';
import { isFullSize } from '../support/test-size.ts';
import { type App, checksumOf, errorOf, exposedTexts, png, secret, send, startApp } from './app.ts';

/** A multiple of 100. */
const fuzzRequests = isFullSize ? 50_000 : 10_000;

forEachStore(
  'the handler',
  (store) => {
    let app: App;
    const allowed = 'https://app.example';
    beforeAll(async () => {
      app = await startApp(store, { allowedOrigins: [allowed] });
    });
    afterAll(() => app.stop());

    const good = () => ({
      route: 'files',
      files: [{ fileName: 'a.png', size: png.length, contentType: 'image/png', checksum: checksumOf('sha256', png) }],
    });

    async function post(
      body: string | Uint8Array<ArrayBuffer> | null,
      headers: Record<string, string> = {},
      path = '/uploads',
    ) {
      const response = await app.uploads.fetch(
        new Request(`http://localhost${path}`, {
          method: 'POST',
          body,
          headers: { 'content-type': 'application/json', 'x-user': 'alice', ...headers },
        }),
      );
      const text = await response.text();
      return { status: response.status, text, headers: response.headers };
    }

    function codeOf(text: string): string {
      return (JSON.parse(text) as { error?: { code?: string } }).error?.code ?? '';
    }

    it('G1 the unchanged request is granted', async () => {
      expect((await post(JSON.stringify(good()))).status).toBe(200);
    });

    it.each([
      ['no body', null],
      ['not JSON', '{'],
      ['JSON of another kind', '[]'],
      ['null', 'null'],
      ['a number', '7'],
      ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])],
      ['invalid UTF-8 in a name', Buffer.from(JSON.stringify(good()).replace('a.png', '\xff.png'), 'latin1')],
      ['no files', JSON.stringify({ route: 'files', files: [] })],
      ['no route', JSON.stringify({ files: good().files })],
      ...['1e309', -1, 1.5, -0.5, 2 ** 53, '7', null, true, {}].map((size): [string, string] => [
        `size ${String(size)}`,
        JSON.stringify({ ...good(), files: [{ ...good().files[0], size }] }).replace('"1e309"', '1e309'),
      ]),
      ...[' ', 'image*', 'image/', '/png', 'image/png; charset=x', 'IMAGE/PNG\n', 'image\n', 'a/b/c', null, 7].map(
        (contentType): [string, string] => [
          `contentType ${JSON.stringify(contentType)}`,
          JSON.stringify({ ...good(), files: [{ ...good().files[0], contentType }] }),
        ],
      ),
      ...['', 'short', '!'.repeat(44), 'A'.repeat(43), `${'A'.repeat(42)}==`, 7, null].map(
        (value): [string, string] => [
          `checksum ${JSON.stringify(value)}`,
          JSON.stringify({ ...good(), files: [{ ...good().files[0], checksum: { algorithm: 'sha256', value } }] }),
        ],
      ),
      [
        'checksum of an unknown algorithm',
        JSON.stringify({
          ...good(),
          files: [{ ...good().files[0], checksum: { algorithm: 'constructor', value: 'x' } }],
        }),
      ],
      ['an empty fileName', JSON.stringify({ ...good(), files: [{ ...good().files[0], fileName: '' }] })],
      ['an unknown transfer', JSON.stringify({ ...good(), transfers: ['teleport'] })],
    ])('G1 %s is invalid_request', async (_, body) => {
      const answer = await post(body);
      expect([answer.status, codeOf(answer.text)]).toEqual([400, 'invalid_request']);
      expect(answer.text).not.toContain('X-Amz-');
    });

    it('G1 wrong methods, paths and content types are refused', async () => {
      for (const [method, path, status] of [
        ['GET', '/uploads', 405],
        ['PUT', '/uploads', 405],
        ['DELETE', '/uploads/complete', 405],
        ['POST', '/uploads/routes/files', 405],
        ['PATCH', '/files/x', 405],
        ['GET', '/nothing', 404],
        ['GET', '/uploads/../uploads', 404],
        ['GET', '//uploads/complete', 405],
        ['GET', '//evil.test/uploads', 404],
      ] as const) {
        const answer = await app.call(method, path, method === 'GET' ? undefined : good());
        expect([method, path, answer.status]).toEqual([method, path, status]);
        if (status === 405) expect(answer.headers.allow).toMatch(/[A-Z]/);
      }
      for (const type of [
        'text/plain',
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=x',
        'application/jsonp',
      ])
        expect([type, (await post(JSON.stringify(good()), { 'content-type': type })).status]).toEqual([type, 400]);
      expect((await post(JSON.stringify(good()), { 'content-type': 'application/json; charset=utf-8' })).status).toBe(
        200,
      );
    });

    it(`G1 fuzz: ${fuzzRequests} requests and never a 500`, async () => {
      const begun = await post(
        JSON.stringify({
          route: 'large',
          files: [{ fileName: 'a.bin', size: null, contentType: 'application/octet-stream' }],
          transfers: ['multipart'],
        }),
      );
      const { grant } = (JSON.parse(begun.text) as { uploads: [{ grant: string }] }).uploads[0];
      const leaf = fc.oneof(
        fc.constantFrom(
          'files',
          'constructor',
          '__proto__',
          'image/png',
          'a.png',
          'sha256',
          'put',
          'form',
          'multipart',
          grant,
          null,
          0,
          1,
          -1,
          67,
          1e20,
        ),
        fc.jsonValue({ maxDepth: 2 }),
      );
      const file = fc.record(
        {
          fileName: leaf,
          size: leaf,
          contentType: leaf,
          checksum: fc.oneof(leaf, fc.record({ algorithm: leaf, value: leaf })),
          metadata: leaf,
          partSize: leaf,
          host: leaf,
        },
        { requiredKeys: [] },
      );
      const part = fc.record(
        { partNumber: leaf, size: leaf, checksum: fc.record({ algorithm: leaf, value: leaf }), host: leaf },
        { requiredKeys: ['partNumber', 'size'] },
      );
      const completion = fc.record({ grant: leaf, size: leaf, checksum: leaf }, { requiredKeys: ['grant'] });
      const request = fc.record(
        {
          route: leaf,
          files: fc.oneof(leaf, fc.array(file, { maxLength: 3 })),
          metadata: leaf,
          transfers: leaf,
          grants: fc.oneof(leaf, fc.array(fc.oneof(leaf, completion), { maxLength: 3 })),
          grant: fc.oneof(leaf, fc.constant(grant)),
          parts: fc.oneof(leaf, fc.array(part, { maxLength: 3 })),
          expiresInSeconds: leaf,
        },
        { requiredKeys: [] },
      );
      const body = fc.oneof(
        { weight: 6, arbitrary: request.map((value) => JSON.stringify(value)) },
        { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
        {
          weight: 2,
          arbitrary: fc
            .tuple(fc.nat({ max: 250 }), fc.string({ maxLength: 3 }))
            .map(([at, put]) => overwrite(JSON.stringify(good()), at, put)),
        },
      );
      const path = fc.constantFrom(
        '/uploads',
        '/uploads/parts',
        '/uploads/parts/list',
        '/uploads/complete',
        '/uploads/abort',
        '/files/x',
        '/uploads/routes/files',
      );
      let requests = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(fc.tuple(body, path), { minLength: 100, maxLength: 100 }), async (cases) => {
          for (const [text, target] of cases) {
            const answer = await post(text, {}, target);
            requests++;
            if (answer.status === 200) continue;
            const code = codeOf(answer.text);
            expect([text, target, isErrorCode(code), answer.status < 500]).toEqual([text, target, true, true]);
            expect(answer.status).toBe(errorTable[code as keyof typeof errorTable].status);
          }
        }),
        { numRuns: fuzzRequests / 100 },
      );
      expect(requests).toBeGreaterThanOrEqual(fuzzRequests);
    }, 600_000);

    it('F3 a body over maxBodyBytes, too many files and deep JSON are refused', async () => {
      const big = await post(JSON.stringify({ ...good(), metadata: 'x'.repeat(4 * 1024 * 1024) }));
      expect([big.status, codeOf(big.text)]).toEqual([413, 'request_too_large']);
      const many = await post(
        JSON.stringify({ ...good(), files: Array.from({ length: 10_000 }, () => good().files[0]) }),
      );
      expect(['too_many_files', 'request_too_large', 'invalid_request']).toContain(codeOf(many.text));
      const tooMany = await post(
        JSON.stringify({ ...good(), files: Array.from({ length: 101 }, () => good().files[0]) }),
      );
      expect([tooMany.status, codeOf(tooMany.text)]).toEqual([422, 'too_many_files']);
      const deep = await post(`{"route":"files","files":${'['.repeat(20_000)}${']'.repeat(20_000)}}`);
      expect(codeOf(deep.text)).toBe('invalid_request');
    });

    it('F3 a chunked body is refused at maxBodyBytes', async () => {
      const { port } = new URL(app.origin);
      const socket = connect(Number(port), '127.0.0.1');
      let answer = '';
      let written = 0;
      socket.on('data', (data) => {
        answer += data.toString();
      });
      socket.on('error', () => {}); // The server may reset the connection.
      socket.write(
        'POST /uploads HTTP/1.1\r\nhost: x\r\nx-user: alice\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n',
      );
      const piece = `10000\r\n${'x'.repeat(65536)}\r\n`;
      while (!answer.includes('413') && !socket.destroyed && written < 64 * 1024 * 1024) {
        const canContinue = socket.write(piece);
        written += 65536;
        await new Promise<void>((resolve) =>
          canContinue ? setImmediate(resolve) : socket.once('drain', resolve).once('close', resolve),
        );
      }
      socket.destroy();
      expect(answer).toContain('413');
      expect(written).toBeLessThan(16 * 1024 * 1024);
    });

    it('G2 a state-changing call with cookies needs JSON and an allowed origin', async () => {
      const cookie = { cookie: 'session=1' };
      const body = JSON.stringify(good());
      expect((await post(body, { ...cookie, origin: 'https://evil.example' })).status).toBe(403);
      expect((await post(body, { ...cookie, origin: 'null' })).status).toBe(403);
      expect((await post(body, { ...cookie, origin: allowed, 'content-type': 'text/plain' })).status).toBe(400);
      expect((await post(body, { ...cookie, origin: allowed })).status).toBe(200);
      expect((await post(body, { ...cookie, origin: 'http://localhost' })).status).toBe(200);
      expect((await post(body, { ...cookie, 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    });

    it('G2 CORS answers only configured origins', async () => {
      for (const [origin, answered] of [
        [allowed, allowed],
        ['https://evil.example', null],
        ['null', null],
        [`${allowed}.evil.example`, null],
      ]) {
        const preflight = await app.uploads.fetch(
          new Request('http://localhost/uploads', {
            method: 'OPTIONS',
            headers: {
              origin: String(origin),
              'access-control-request-method': 'POST',
              'access-control-request-headers': 'content-type',
            },
          }),
        );
        expect([origin, preflight.headers.get('access-control-allow-origin')]).toEqual([origin, answered]);
        const actual = await post(JSON.stringify(good()), { origin: String(origin) });
        expect([origin, actual.headers.get('access-control-allow-origin')]).toEqual([origin, answered]);
        expect(actual.headers.get('vary')?.toLowerCase()).toContain('origin');
      }
    });
  },
  // The handler behaves the same on every store.
  { only: ['devstore'] },
);

forEachStore('views', (store) => {
  let app: App;
  beforeAll(async () => {
    app = await startApp(store);
  });
  afterAll(() => app.stop());

  it('G4 a view redirects only to its own object', async () => {
    const own = await app.store(png);
    const other = await app.store(Buffer.concat([png, Buffer.from('2')]));
    const { url } = own.completed.file;
    for (const tail of ['', '?redirect=https://evil.example', '?url=//evil.example', '?as=https://evil.example']) {
      const view = await app.call('GET', url + tail);
      const location = String(view.headers.location ?? `${app.storage.publicOrigin}/`);
      expect(location.startsWith(`${app.storage.publicOrigin}/`)).toBe(true);
    }
    const [a, b] = [url.split('/').at(-1) ?? '', other.completed.file.url.split('/').at(-1) ?? ''];
    const half = Math.floor(a.length / 2);
    const forged = [
      a.slice(0, half) + b.slice(half),
      b.slice(0, half) + a.slice(half),
      `${a.slice(0, -1)}${a.endsWith('A') ? 'B' : 'A'}`,
      `${a}A`,
      a.slice(0, -1),
      '..%2f..%2fetc',
      own.completed.file.key,
      own.upload.grant,
      '',
    ];
    for (const ref of forged) {
      const answer = await app.call('GET', url.replace(a, ref));
      expect([ref.slice(0, 20), answer.status, answer.headers.location]).toEqual([ref.slice(0, 20), 404, undefined]);
    }
  });

  it('G4 a form never redirects', async () => {
    const upload = await app.grant(png, {}, { transfers: ['form', 'put'] });
    const sent = await send(
      upload.request,
      png,
      upload.request.fields ? { fields: { success_action_redirect: 'https://evil.example/' } } : {},
    );
    expect(sent.headers.location ?? '').not.toContain('evil');
  });
});

forEachStore(
  'secrets',
  (store) => {
    it('G5 no error, event or crash dump of a failing app contains a secret', async () => {
      const dumps: string[] = [];
      const throwing = (text: string) => () => {
        throw new Error(`${text} https://x/?X-Amz-Signature=abc`);
      };
      const limits = { maxBytes: 1000 };
      const authorize = () => ({ ownerId: 'alice' });
      const routes = {
        files: route({ limits, authorize }),
        key: route({ limits, authorize, key: throwing('key') }),
        callback: route({ limits, authorize, onComplete: throwing('callback') }),
        inspect: route({ limits, authorize, inspect: throwing('inspect') }),
        authorize: route({ limits, authorize: throwing('authorize') }),
      };
      const wrongSecret = { ...store.credentials, secretAccessKey: 'WRONG-SECRET-ACCESS-KEY' };
      // Closes every connection, which counts as storage_unavailable. A port that never listened counts as a
      // configuration error.
      const unavailable = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
      await once(unavailable, 'listening');
      const storages = [
        store.storage(),
        store.storage({ credentials: wrongSecret }),
        store.storage({ endpoint: 'http://127.0.0.1:1' }),
        store.storage({ endpoint: `http://127.0.0.1:${(unavailable.address() as AddressInfo).port}` }),
      ];
      const grants: string[] = [];
      const codes = new Set<string>();
      for (const storage of storages) {
        const app = await startApp(store, { storage, routes });
        for (const name of Object.keys(routes)) {
          const granted = await app.tryGrant(png, {}, { name });
          const upload = granted.body.uploads?.[0];
          if (!upload || 'error' in upload) {
            codes.add(errorOf(granted) ?? '');
            continue;
          }
          grants.push(upload.grant);
          await send(upload.request, png).catch(() => undefined);
          for (const answer of [
            await app.complete(upload.grant, { cookie: 'session=COOKIE', authorization: 'Bearer AUTHORIZATION' }),
            await app.abort(upload.grant),
            await app.complete(`${upload.grant}x`),
          ])
            codes.add(errorOf(answer) ?? 'ok');
          await app.uploads
            .deleteFile('files/alice/nothing.png')
            .catch((error: unknown) => dumps.push(inspect(error, { depth: 9 })));
        }
        await app.stop();
      }
      unavailable.close();
      // The requests above have caused each of these errors.
      for (const code of [
        'internal_error',
        'callback_failed',
        'storage_rejected',
        'storage_unavailable',
        'grant_invalid',
      ])
        expect([...codes]).toContain(code);
      expect(grants.length).toBeGreaterThan(3);
      const exposed = [...exposedTexts, ...dumps].join('\n');
      for (const secretText of [
        'X-Amz-Signature',
        'X-Amz-Credential',
        secret,
        store.credentials.secretAccessKey,
        wrongSecret.secretAccessKey,
        'COOKIE',
        'AUTHORIZATION',
        ...grants.map((grant) => grant.slice(0, 40)),
      ])
        expect([secretText.slice(0, 12), exposed.includes(secretText)]).toEqual([secretText.slice(0, 12), false]);
    });
  },
  { only: ['devstore', 'ceph'] },
);

function overwrite(text: string, at: number, put: string): string {
  return text.slice(0, at) + put + text.slice(at + put.length);
}
