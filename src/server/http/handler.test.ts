import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { createTestApp, png } from '../../../test/support/server-app.ts';
import { unreachableStorage } from '../../../test/support/unreachable-storage.ts';
import { WaybillError } from '../../protocol/index.ts';
import { type CapabilityPreset, capabilityPresets, type StorageCapabilities } from '../../s3/index.ts';
import { anyone, createUploads, route, type UploadsEvent } from '../index.ts';

const limits = { maxBytes: 1000 };
const owner = () => ({ ownerId: 'anna' });

describe('grants', () => {
  it('and errors of a batch are answered in the order of the files', async () => {
    const app = createTestApp(unreachableStorage(), {
      a: route({ limits: { maxBytes: 100, contentTypes: ['image/*'] }, authorize: owner }),
    });
    const files = [
      app.declare(png),
      app.declare(Buffer.alloc(101)),
      app.declare(png, { contentType: 'image/svg+xml' }),
      app.declare(png),
    ];
    const { status, json, headers } = await app.call('POST', '/uploads', { route: 'a', files });
    expect(status).toBe(200);
    expect(json.error).toBeUndefined();
    expect(json.uploads?.map((one) => one.error?.code ?? one.transfer)).toEqual([
      'put',
      'file_too_large',
      'content_type_not_allowed',
      'put',
    ]);
    expect(json.uploads?.[0]?.expiresInSeconds).toBeGreaterThan(890);
    expect(headers['cache-control']).toBe('no-store');
  });

  it('that all fail answer with the status of the first error', async () => {
    const app = createTestApp(unreachableStorage(), { a: route({ limits, authorize: owner }) });
    const { checksum: _, ...bare } = app.declare(png);
    const files = [app.declare(png, { size: 2000 }), bare];
    const { status, json } = await app.call('POST', '/uploads', { route: 'a', files });
    expect([status, json.error?.code]).toEqual([413, 'file_too_large']);
    expect(json.uploads?.map((one) => one.error?.code)).toEqual(['file_too_large', 'invalid_request']);
    expect(json.error?.requestId).toMatch(/^[0-9a-f]{24}$/);
  });

  it('pass the parsed metadata to callbacks, and the declared files to authorize before anything else (A4, A5)', async () => {
    const seen: unknown[] = [];
    const app = createTestApp(unreachableStorage(), {
      a: route({
        limits,
        metadata: v.object({ album: v.pipe(v.string(), v.trim()) }),
        authorize: ({ files, action, route }) => {
          seen.push({ files, action, route });
          return { ownerId: 'anna', tenant: 't1' };
        },
        key: ({ metadata, context, uploadId, extension }) => {
          seen.push(metadata);
          return `${context.tenant}/${metadata.album}/${uploadId}.${extension}`;
        },
      }),
    });
    const metadata = { album: '  summer ', admin: true };
    const { json } = await app.call('POST', '/uploads', { route: 'a', files: [app.declare(png)], metadata });
    expect(json.uploads?.[0]?.grant).toBeTypeOf('string');
    expect(seen).toEqual([
      {
        route: 'a',
        action: 'grant',
        files: [{ fileName: 'photo.png', size: png.length, contentType: 'image/png', metadata: { album: 'summer' } }],
      },
      { album: 'summer' },
    ]);
    const bad = await app.call('POST', '/uploads', { route: 'a', files: [app.declare(png)], metadata: { album: 1 } });
    expect(bad.json.error).toMatchObject({
      code: 'invalid_request',
      details: { issues: [{ path: 'metadata.album' }] },
    });
  });

  it('refuse metadata that the route does not accept, that is too large, or that is not JSON', async () => {
    const app = createTestApp(unreachableStorage(), {
      none: route({ limits, authorize: owner }),
      any: route({ limits, authorize: owner, metadata: v.unknown() }),
      odd: route({
        limits,
        authorize: owner,
        metadata: v.pipe(
          v.unknown(),
          v.transform(() => ({ n: 1n })),
        ),
      }),
    });
    for (const [name, metadata] of [
      ['none', { a: 1 }],
      ['any', 'x'.repeat(2000)],
      ['odd', 1],
    ]) {
      const files = [{ ...app.declare(png), metadata }];
      const { status, json } = await app.call('POST', '/uploads', { route: name, files });
      expect([name, status, json.error?.code]).toEqual([name, 400, 'invalid_request']);
    }
  });

  it.each([
    ['null', () => null, 401, 'unauthenticated'],
    ['undefined', async () => undefined, 401, 'unauthenticated'],
    ['no owner', () => ({}) as { ownerId: string }, 500, 'internal_error'],
    ['a path as owner', () => ({ ownerId: '../x' }), 500, 'internal_error'],
    [
      'a refusal',
      () => {
        throw new WaybillError('quota_exceeded', 'Full.');
      },
      403,
      'quota_exceeded',
    ],
    [
      'a crash',
      () => {
        throw new Error('password=hunter2');
      },
      500,
      'internal_error',
    ],
  ])('are not signed when authorize returns %s (A2, D5)', async (_, authorize, status, code) => {
    const app = createTestApp(unreachableStorage(), { a: route({ limits, authorize }) });
    const answer = await app.call('POST', '/uploads', { route: 'a', files: [app.declare(png)] });
    expect([answer.status, answer.json.error?.code]).toEqual([status, code]);
    expect(answer.body).not.toMatch(/X-Amz|hunter2/);
  });

  it.each([
    ['../up', 'segment'],
    ['incoming/mine', 'staging'],
    ['x'.repeat(1025), '1024 bytes'],
    [undefined as unknown as string, 'string'],
  ])('are internal_error with the broken rule when the key callback returns %j (D2)', async (key, words) => {
    const app = createTestApp(unreachableStorage(), { a: route({ limits, authorize: owner, key: async () => key }) });
    const answer = await app.call('POST', '/uploads', { route: 'a', files: [app.declare(png)] });
    expect([answer.status, answer.json.error?.code]).toEqual([500, 'internal_error']);
    expect(answer.json.error?.message).toBe('Uploads are not available right now.');
    expect(answer.json.error?.details?.hint).toContain(words);
    expect(answer.body).not.toContain('X-Amz');
  });

  it('name the checksum that the client must compute', async () => {
    const app = createTestApp(unreachableStorage({ capabilities: 'ceph16' }), {
      a: route({ limits, authorize: owner }),
    });
    const sha = app.checksumOf(png, 'sha256');
    const refused = await app.call('POST', '/uploads', { route: 'a', files: [app.declare(png, { checksum: sha })] });
    expect(refused.json.error?.message).toContain('md5');
    const granted = await app.grant(png, { checksum: app.checksumOf(png, 'md5') });
    expect(granted.request.headers['content-md5']).toBe(app.checksumOf(png, 'md5').value);
  });

  it('of a public route have a new owner for each upload', async () => {
    const app = createTestApp(unreachableStorage(), {
      a: route({ limits, authorize: anyone, key: ({ ownerId, uploadId }) => `${ownerId}/${uploadId}` }),
    });
    const keys = new Set<string>();
    for (let index = 0; index < 3; index += 1) keys.add((await app.grant(png)).uploadId);
    expect(keys.size).toBe(3);
  });
});

describe('the transfer', () => {
  const large = { limits: { maxBytes: 50 * 1000 ** 4 }, authorize: owner };
  const file = { fileName: 'a.png', contentType: 'image/png', size: 1000 };
  const [GiB, MiB] = [1024 ** 3, 1024 ** 2];

  /** Begins at a storage that takes everything. */
  function begun(capabilities: CapabilityPreset | Partial<StorageCapabilities> = 'devstore', more: object = {}) {
    const answer = '<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>';
    return createTestApp(unreachableStorage({ capabilities, fetch: async () => new Response(answer), ...more }), {
      a: route(large),
    });
  }

  async function ask(app: ReturnType<typeof begun>, declared: object, transfers: string[]) {
    const { json } = await app.call('POST', '/uploads', {
      route: 'a',
      files: [{ ...app.declare(png), ...file, ...declared }],
      transfers,
    });
    return json.uploads?.[0] as unknown as { transfer?: string; partSize?: number; partCount?: number | null } & {
      error?: { code: string; message: string };
    };
  }

  it.each([
    [1000, ['form', 'put', 'multipart'], 'form'],
    [2 * MiB, ['form', 'put', 'multipart'], 'put'],
    [16 * MiB - 1, ['form', 'put', 'multipart'], 'put'],
    [16 * MiB, ['form', 'put', 'multipart'], 'multipart'],
    [16 * MiB, ['form', 'put'], 'put'],
    [1000, ['multipart'], 'multipart'],
    [5 * GiB, ['put'], 'put'],
    [5 * GiB + 1, ['put'], 'invalid_request'],
    [5 * GiB + 1, ['put', 'multipart'], 'multipart'],
    [50 * 1000 ** 4, ['multipart'], 'multipart'],
    [50 * 1000 ** 4 + 1, ['multipart'], 'file_too_large'],
    [null, ['form', 'put'], 'invalid_request'],
    [null, ['form', 'put', 'multipart'], 'multipart'],
  ])('of %s bytes with the choice of %j is %s', async (size, transfers, expected) => {
    const upload = await ask(begun(), { size }, transfers);
    expect(upload.transfer ?? upload.error?.code).toBe(expected);
  });

  it('in parts has the part size of the request where it is valid, and otherwise one that the server chooses', async () => {
    const cut = async (size: number | null, partSize?: number) => {
      const upload = await ask(begun(), { size, partSize }, ['multipart']);
      return upload.error?.code ?? [upload.partSize, upload.partCount];
    };
    expect(await cut(100 * MiB, 5 * MiB)).toEqual([5 * MiB, 20]);
    expect(await cut(100 * MiB, 5 * MiB - 1)).toBe('invalid_request');
    expect(await cut(100 * GiB, 5 * MiB)).toBe('invalid_request');
    expect(await cut(100 * GiB, 5 * GiB + 1)).toBe('invalid_request');
    expect(await cut(96 * MiB)).toEqual([8 * MiB, 12]);
    expect(await cut(192 * MiB)).toEqual([16 * MiB, 12]);
    // The parts of a stream are held in memory, so the maximum of the route does not count.
    expect(await cut(null)).toEqual([64 * MiB, null]);
    expect(await cut(null, 8 * MiB)).toEqual([8 * MiB, null]);
  });

  it('in parts begins for several files at once, up to a limit', async () => {
    let under = 0;
    let most = 0;
    const app = begun('devstore', {
      fetch: async () => {
        under += 1;
        most = Math.max(most, under);
        await Promise.resolve();
        under -= 1;
        return new Response('<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>');
      },
    });
    const files = Array.from({ length: 10 }, () => ({ ...file, size: 100 * MiB }));
    const { json } = await app.call('POST', '/uploads', { route: 'a', files, transfers: ['multipart'] });
    expect(json.uploads?.map(({ transfer }) => transfer)).toEqual(files.map(() => 'multipart'));
    expect(most).toBe(8);
  });

  it('is never in parts where the storage does not verify parts', async () => {
    const small = { limits: { maxBytes: GiB }, authorize: owner };
    const app = createTestApp(unreachableStorage({ capabilities: { partChecksums: [] } }), { a: route(small) });
    expect(app.uploads.config.routes[0]?.transfers).not.toContain('multipart');
    const upload = await ask(app, { size: 100 * MiB }, ['put', 'multipart']);
    expect(upload.transfer).toBe('put');
    expect((await ask(app, { size: null }, ['put', 'multipart'])).error?.code).toBe('invalid_request');
  });

  it('in parts is signed for the requested host', async () => {
    const hosts = ['http://one.test', 'http://two.test'];
    const app = begun('devstore', { publicEndpoint: hosts });
    expect(app.uploads.config.routes[0]?.hosts).toEqual(hosts);
    const { json } = await app.call('POST', '/uploads', {
      route: 'a',
      files: [0, 1, 2, undefined].map((host) => app.declare(png, host === undefined ? {} : { host })),
    });
    expect(json.uploads?.map((one) => one.error?.code ?? new URL(one.request.url).origin)).toEqual([
      ...hosts,
      'invalid_request',
      hosts[0],
    ]);
  });
});

describe('the handler', () => {
  const events: UploadsEvent[] = [];
  const app = createTestApp(
    unreachableStorage(),
    { a: route({ limits: { ...limits, contentTypes: ['image/*'] }, authorize: owner }) },
    { basePath: '/api', allowedOrigins: ['https://app.example'], onEvent: (event) => events.push(event) },
  );
  const good = () => ({ route: 'a', files: [app.declare(png)] });

  it('answers the limits of a route without authorisation, in a cacheable response', async () => {
    const { status, body, headers } = await app.call('GET', '/api/uploads/routes/a');
    expect(status).toBe(200);
    expect(headers['cache-control']).toMatch(/public, max-age=\d+/);
    expect(JSON.parse(body)).toEqual({
      route: 'a',
      limits: { contentTypes: ['image/*'], minBytes: 1, maxBytes: 1000, maxFiles: 100 },
      checksum: 'sha256',
      transfers: ['form', 'put', 'multipart'],
      formMaxBytes: 1024 * 1024,
      multipartMinBytes: 16 * 1024 * 1024,
      hosts: [expect.stringMatching(/^https?:/)],
    });
    expect(await app.call('HEAD', '/api/uploads/routes/a')).toMatchObject({ status: 200, body: '' });
  });

  it.each([
    ['PUT', '/api/uploads', 405, 'POST, OPTIONS'],
    ['GET', '/api/uploads', 405, 'POST, OPTIONS'],
    ['PUT', '/api/uploads/complete', 405, 'POST, OPTIONS'],
    ['POST', '/api/uploads/routes/a', 405, 'GET, HEAD, OPTIONS'],
    ['PATCH', '/api/files/x', 405, 'GET, HEAD, POST, DELETE, OPTIONS'],
    ['constructor', '/api/uploads', 405, 'POST, OPTIONS'],
    ['GET', '/other/uploads', 404, undefined],
    ['POST', '/apiuploads', 404, undefined],
    ['GET', '/api/uploads/routes/constructor', 404, undefined],
    ['GET', '/api/files/', 404, undefined],
  ])('answers %s %s with %i', async (method, path, status, allow) => {
    const answer = await app.call(method, path);
    expect([answer.status, answer.headers.allow]).toEqual([status, allow]);
  });

  it('answers preflights of allowed origins only (G2)', async () => {
    const preflight = (origin: string) =>
      app.call('OPTIONS', '/api/uploads', null, {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type,x-csrf',
      });
    expect(await preflight('https://app.example')).toMatchObject({
      status: 204,
      headers: {
        'access-control-allow-origin': 'https://app.example',
        'access-control-allow-credentials': 'true',
        'access-control-allow-methods': 'POST, OPTIONS',
        'access-control-allow-headers': 'content-type,x-csrf',
        vary: 'origin',
      },
    });
    for (const origin of ['https://evil.example', 'null', 'https://app.example.evil.example']) {
      const { headers } = await preflight(origin);
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  });

  it.each([
    ['another origin', { origin: 'https://evil.example' }, 403],
    ['a sandboxed page', { origin: 'null' }, 403],
    ['another site without an Origin', { 'sec-fetch-site': 'cross-site' }, 403],
    ['an allowed origin', { origin: 'https://app.example' }, 200],
    ['its own origin', { origin: 'http://app.test' }, 200],
    ['its own origin behind a proxy', { origin: 'https://else', 'sec-fetch-site': 'same-origin' }, 200],
    ['no browser', {}, 200],
  ])('answers a request with cookies from %s (%j) with %i (G2)', async (_, headers, status) => {
    const answer = await app.call('POST', '/api/uploads', good(), { cookie: 'session=1', ...headers });
    expect(answer.status).toBe(status);
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    '',
    'application/jsonx',
  ])('refuses a body of the type %j', async (type) => {
    expect((await app.call('POST', '/api/uploads', good(), { 'content-type': type })).status).toBe(400);
  });

  it('accepts JSON with a charset, and uses the last of two equal keys', async () => {
    const text = JSON.stringify(good()).replace('{', '{"route":"nothing",');
    const answer = await app.call('POST', '/api/uploads', text, { 'content-type': 'application/json; charset=utf-8' });
    expect(answer.status).toBe(200);
  });

  it('refuses large bodies before and while they arrive', async () => {
    const early = await app.call('POST', '/api/uploads', good(), { 'content-length': String(2 ** 20) });
    const late = await app.call('POST', '/api/uploads', ' '.repeat(256 * 1024 + 1));
    for (const { status, json } of [early, late])
      expect([status, json.error?.code]).toEqual([413, 'request_too_large']);
  });

  it('refuses too many files or grants without checking each', async () => {
    const files = Array.from({ length: 1001 }, () => null);
    const many = await app.call('POST', '/api/uploads', { route: 'a', files });
    expect([many.status, many.json.error?.code]).toEqual([422, 'too_many_files']);
    const tooMany = await app.call('POST', '/api/uploads', { route: 'a', files: Array(101).fill(app.declare(png)) });
    expect([tooMany.status, tooMany.json.error?.code]).toEqual([422, 'too_many_files']);
    const grants = await app.call('POST', '/api/uploads/complete', { grants: Array(101).fill('x') });
    expect([grants.status, grants.json.error?.code]).toEqual([400, 'invalid_request']);
    expect(grants.body.length).toBeLessThan(1000);
  });

  it('does not repeat the request in its answer', async () => {
    const { grant } = (await app.call('POST', '/api/uploads', good())).json.uploads?.[0] ?? { grant: '' };
    const answer = await app.call('POST', '/api/uploads/complete', { grants: grant });
    expect([answer.status, answer.json.error?.code]).toEqual([400, 'invalid_request']);
    expect(answer.body).not.toContain(grant.slice(0, 40));
  });

  it('keeps the request id of a proxy, and emits an event for every answer', async () => {
    events.length = 0;
    const answer = await app.call('POST', '/api/uploads', { route: 'b', files: [] }, { 'x-request-id': 'proxy-7' });
    expect(answer.json.error?.requestId).toBe('proxy-7');
    expect(events).toMatchObject([
      { type: 'request.failed', operation: 'grant', code: 'invalid_request', requestId: 'proxy-7' },
      { type: 'request.served', operation: 'grant', status: 400, bytesIn: 24, bytesOut: answer.body.length },
    ]);
    const odd = await app.call('POST', '/api/uploads', null, { 'x-request-id': 'a b"<' });
    expect(odd.json.error?.requestId).toMatch(/^[0-9a-f]{24}$/);
  });

  it('answers although a listener throws', async () => {
    const noisy = createTestApp(
      unreachableStorage(),
      { a: route({ limits, authorize: owner }) },
      {
        onEvent: () => {
          throw new Error('no');
        },
      },
    );
    expect((await noisy.call('POST', '/uploads', { route: 'a', files: [noisy.declare(png)] })).status).toBe(200);
  });

  it('answers requests of the Fetch API', async () => {
    const request = (body: string | ReadableStream, headers = {}) =>
      new Request('https://app.test/api/uploads?x=1', {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json', ...headers },
        duplex: 'half',
      } as RequestInit);
    const answer = await app.uploads.fetch(request(JSON.stringify(good())));
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json']);
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536)) });
    expect((await app.uploads.fetch(request(endless))).status).toBe(413);
    const own = request(JSON.stringify(good()), { cookie: 'a=b', origin: 'https://app.test' });
    expect((await app.uploads.fetch(own)).status).toBe(200);
    expect(app.uploads.owns('/api/uploads')).toBe(true);
    expect(app.uploads.owns('/api/other')).toBe(false);
  });
});

describe('createUploads()', () => {
  const good = {
    storage: unreachableStorage(),
    secret: 'x'.repeat(32),
    routes: { a: route({ limits, authorize: anyone }) },
  };
  const refused = (options: object) => {
    try {
      createUploads({ ...good, ...options } as typeof good);
    } catch (error) {
      return error instanceof WaybillError && error.code === 'config_invalid' ? error.message : String(error);
    }
    return null;
  };

  it('accepts a correct configuration', () => {
    expect(refused({})).toBeNull();
  });

  it('accepts an empty secret, and the handler refuses every request until the secret is set', async () => {
    let secret = '';
    expect(refused({ secret: '' })).toBeNull();
    expect(refused({ viewSecret: '' })).toBeNull();
    const events: UploadsEvent[] = [];
    const app = createUploads({ ...good, secret: () => secret, onEvent: (event) => events.push(event) });
    // The SHA-256 of "a".
    const oneByte = { algorithm: 'sha256', value: 'ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3hajOmLg=' };
    const grant = async () => {
      const files = [{ fileName: 'a.txt', size: 1, contentType: 'text/plain', checksum: oneByte }];
      const body = JSON.stringify({ route: 'a', files });
      const headers = { 'content-type': 'application/json' };
      const answer = await app.fetch(new Request('https://app.test/uploads', { method: 'POST', headers, body }));
      return (await answer.json()) as {
        uploads?: { grant?: string; error?: { code: string } }[];
        error?: { code: string };
      };
    };
    const without = await grant();
    expect((without.error ?? without.uploads?.[0]?.error)?.code).toBe('internal_error');
    expect(JSON.stringify(events)).toContain('`secret`');
    expect(() => app.viewUrl({} as never)).toThrow('secret');
    secret = 'x'.repeat(32);
    expect((await grant()).uploads?.[0]?.grant).toBeTypeOf('string');
  });

  it.each([
    [{ secret: 'short' }, /secret.*32/],
    [{ secret: [] }, /secret/],
    [{ secret: undefined }, /secret/],
    [{ secret: ['x'.repeat(32), 'x'.repeat(32)] }, /twice/],
    [{ viewSecret: 'short' }, /viewSecret/],
    [{ routes: {} }, /routes/],
    [{ routes: { 'a/b': good.routes.a } }, /route name/],
    [{ routes: { a: { definition: undefined } } }, /route\(\)/],
    [{ basePath: 'api' }, /basePath/],
    [{ basePath: '/api/' }, /basePath/],
    [{ publicUrl: 'https://app.example/' }, /publicUrl/],
    [{ allowedOrigins: ['https://app.example/'] }, /allowedOrigins/],
    [{ expiresInSeconds: 0 }, /expiresInSeconds/],
    [{ viewExpiresInSeconds: 604_801 }, /viewExpiresInSeconds/],
    [{ stagingPrefix: '/incoming' }, /stagingPrefix/],
    [{ multipartMinBytes: 5 * 1024 ** 2 - 1 }, /multipartMinBytes/],
    [{ multipartMinBytes: Number.POSITIVE_INFINITY }, /multipartMinBytes/],
    [{ copyMaxBytes: 5 * 1024 ** 3 + 1 }, /copyMaxBytes/],
    [
      {
        storage: unreachableStorage({ capabilities: { multipart: false } }),
        routes: { a: route({ limits: { maxBytes: 6 * 1024 ** 3 }, authorize: anyone }) },
      },
      /over 5 GiB/,
    ],
    [
      {
        storage: unreachableStorage({ capabilities: { partChecksums: [] } }),
        routes: { a: route({ limits: { maxBytes: 6 * 1024 ** 3 }, authorize: anyone }) },
      },
      /over 5 GiB/,
    ],
    [{ secrets: 'x' }, /unknown option `secrets`/],
    [{ storage: unreachableStorage({ capabilities: 'b2' }) }, /integrity: 'size-only'/],
    [
      {
        storage: unreachableStorage({ capabilities: { once: false } }),
        routes: { a: route({ limits, authorize: anyone, integrity: 'size-only' }) },
      },
      /bytes could change after they were checked/,
    ],
  ])('refuses the options %j', (options, words) => {
    expect(refused(options)).toMatch(words);
  });

  it.each(Object.keys(capabilityPresets) as CapabilityPreset[])('accepts a route on the preset %s', (preset) => {
    const storage = unreachableStorage({ capabilities: preset });
    const { checksums, contentMd5 } = storage.capabilities;
    const verifies = checksums.includes('sha256') || contentMd5;
    const integrity = verifies ? 'checksum' : 'size-only';
    expect(refused({ storage, routes: { a: route({ limits, authorize: anyone, integrity }) } })).toBeNull();
    // What it says where exact bytes cannot be promised names the way out.
    const routes = { a: route({ limits, authorize: anyone }) };
    const answer = refused({ storage, routes });
    expect(verifies ? answer === null : answer?.includes("Say `integrity: 'size-only'`")).toBe(true);
  });

  it.each([
    [{ authorize: anyone }, /limits/],
    [{ limits, authorize: undefined }, /authorize/],
    [{ limits: {}, authorize: anyone }, /maxBytes/],
    [{ limits: { maxBytes: 51 * 1000 ** 4 }, authorize: anyone }, /50 TB/],
    [{ limits: { maxBytes: 1, minBytes: 2 }, authorize: anyone }, /minBytes/],
    [{ limits: { maxBytes: 1, maxFile: 2 }, authorize: anyone }, /unknown option `maxFile`/],
    [{ limits: { maxBytes: 1, contentTypes: ['image'] }, authorize: anyone }, /contentTypes/],
    [{ limits: { maxBytes: 1, extensions: ['.png'] }, authorize: anyone }, /extensions/],
    [{ limits, authorize: anyone, metadata: {} }, /metadata/],
    [{ limits, authorize: anyone, oncomplete: () => 1 }, /unknown option `oncomplete`/],
    [{ limits, authorize: anyone, cacheControl: 'a\nb' }, /cacheControl/],
  ])('refuses a route with %j', (definition, words) => {
    expect(() => route(definition as Parameters<typeof route>[0])).toThrow(words);
  });
});
