/** What stands between a request and its resource: slashes, mount points, pages of other origins, words. */
import { describe, expect, it } from 'vitest';
import { createTestApp, png } from '../../../test/support/server-app.ts';
import { unreachableStorage } from '../../../test/support/unreachable-storage.ts';
import { WaybillError } from '../../protocol/index.ts';
import { route, type StandardSchema } from '../index.ts';

const storage = unreachableStorage();
const limits = { maxBytes: 1000, maxFiles: 1 };
const createApp = (options: object = {}) =>
  createTestApp(storage, { a: route({ limits, authorize: () => ({ ownerId: 'anna' }) }) }, options);

describe('paths', () => {
  it.each<[basePath: string, path: string, status: number]>([
    ['', '/uploads/routes/a', 200],
    ['', '/uploads/routes/a/', 200],
    ['', '//uploads//routes///a//', 200],
    ['', '/uploads/routes/a/b', 404],
    ['', '/uploads/routes/', 404],
    ['', '/', 404],
    ['', '//', 404],
    ['', '', 404],
    ['', '/uploads%2Froutes/a', 404],
    ['', '/uploads/routes/%61', 404],
    ['', '/evil.test//uploads/routes/a', 404],
    ['', '/uploads/../uploads/routes/a', 404],
    ['/docs', '/docs/uploads/routes/a/', 200],
    ['/docs', '//docs//uploads/routes/a', 200],
    // Next's route handlers do not see its basePath.
    ['/docs', '/uploads/routes/a', 200],
    ['/docs', '/docsuploads/routes/a', 404],
    ['/docs', '/other/uploads/routes/a', 404],
  ])('of a handler with basePath %j: GET %j answers %i', async (basePath, path, status) => {
    const { call, uploads } = createApp({ basePath });
    expect((await call('GET', path)).status).toBe(status);
    const answer = await uploads.fetch(new Request(`https://app.test${path}`));
    // A URL has its dot segments resolved before anybody sees them.
    expect(answer.status).toBe(path.includes('/../') ? 200 : status);
  });

  it('may have extra slashes', async () => {
    const { call, declare, uploads } = createApp();
    expect((await call('POST', '/uploads/', { route: 'a', files: [declare(png)] })).status).toBe(200);
    const file = { route: 'a', ownerId: 'anna', key: 'a/b', fileName: 'a.png', contentType: 'image/png' };
    const url = uploads.viewUrl({ ...file, uploadId: '0'.repeat(32) } as Parameters<typeof uploads.viewUrl>[0]);
    const plain = await call('GET', url);
    for (const path of [`${url}/`, `/${url}`, url.replace('/files/', '/files//')]) {
      const answer = await call('GET', path);
      expect([answer.status, answer.headers.location]).toEqual([plain.status, plain.headers.location]);
      expect(answer.headers['cache-control']).toEqual(plain.headers['cache-control']);
    }
  });

  it('outside of basePath belong to the app', () => {
    const { uploads } = createApp({ basePath: '/api' });
    expect(['/api/uploads', '/api/uploads/', '//api/uploads', '/uploads'].map(uploads.owns)).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });
});

describe('a page of another origin', () => {
  const body = { route: 'a', files: [createApp().declare(png)] };

  it('is refused with the origin that was seen and the option to set', async () => {
    const { json } = await createApp().call('POST', '/uploads', body, { cookie: 'a=b', origin: 'https://other.test' });
    expect(json.error).toMatchObject({
      code: 'forbidden',
      details: { origin: 'https://other.test', host: 'app.test' },
    });
    expect(json.error?.message).toMatch(/https:\/\/other\.test.*app\.test.*publicUrl/);
    expect(json.error?.details?.hint).toContain("add 'https://other.test' to `allowedOrigins`");
  });

  it('is accepted when it is a page of the app behind a proxy that rewrites Host', async () => {
    const headers = {
      cookie: 'a=b',
      origin: 'http://app.test',
      host: '127.0.0.1:3000',
      'x-forwarded-host': 'app.test',
    };
    const { json } = await createApp().call('POST', '/uploads', body, headers);
    expect(json.error?.message).toMatch(/http:\/\/app\.test.*127\.0\.0\.1:3000.*publicUrl/);
    expect(json.error?.details?.hint).toMatch(/rewrites Host.*publicUrl: 'http:\/\/app\.test'/);
    const told = createApp({ publicUrl: 'http://app.test' });
    expect((await told.call('POST', '/uploads', body, headers)).status).toBe(200);
  });
});

describe('error messages', () => {
  const app = createApp();
  const post = async (body: unknown) => (await app.call('POST', '/uploads', body)).json.error;

  it.each<[unknown, string]>([
    [{}, 'The request needs `route`.'],
    [{ route: 'a' }, 'The request needs `files`.'],
    [{ route: 'a', files: [{ size: 1, contentType: 'a/b' }] }, 'The request needs `files.0.fileName`.'],
    [{ route: 7, files: [app.declare(png)] }, 'The request is not valid: `route` must be a string.'],
    ['null', 'The request is not valid: the body must be an object.'],
    [{ route: 'a', files: [] }, 'The request is not valid: `files` must be a list of 1 to 1000 files.'],
    [{ route: 'b', files: [app.declare(png)] }, 'This kind of upload does not exist.'],
    [{ route: 'a', files: [app.declare(png), app.declare(png)] }, 'Send one file at a time.'],
    [{ route: 'a', files: [app.declare(Buffer.alloc(0))] }, 'This file is empty.'],
    [
      { route: 'a', files: [app.declare(Buffer.alloc(5_200_000))] },
      'This file is too large: it has 5.2 MB, and the limit is 1 kB.',
    ],
  ])('for the body %j: %s', async (body, message) => {
    expect((await post(body))?.message).toBe(message);
  });

  it('do not mention the server to users, and describe it in the hint', async () => {
    const { call, declare } = createTestApp(storage, {
      a: route({
        limits,
        authorize: () => {
          throw new WaybillError('internal_error', 'The session store at 10.0.0.7 is down.');
        },
      }),
      b: route({
        limits,
        authorize: () => {
          throw new Error('hunter2');
        },
      }),
    });
    const first = (await call('POST', '/uploads', { route: 'a', files: [declare(png)] })).json.error;
    expect(first?.message).toBe('Uploads are not available right now.');
    expect(first?.details?.hint).toContain('session store');
    const second = await call('POST', '/uploads', { route: 'b', files: [declare(png)] });
    expect(second.json.error?.message).toBe('Uploads are not available right now.');
    expect(second.body).not.toContain('hunter2');
  });
});

describe('authorize and metadata', () => {
  /** Trims its text, and counts. */
  const album: StandardSchema<{ album: string }, { album: string; length: number }> = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) => {
        const text = (value as { album?: unknown } | undefined)?.album;
        if (typeof text !== 'string') return { issues: [{ message: 'album is a string', path: ['album'] }] };
        return { value: { album: text.trim(), length: text.length } };
      },
    },
  };

  it('authorize gets the result of the schema, and is not called for metadata that the schema refuses', async () => {
    const seen: (string | undefined)[][] = [];
    const { call, declare } = createTestApp(storage, {
      a: route({
        limits: { maxBytes: 1000 },
        metadata: album,
        authorize: ({ files }) => {
          seen.push(files.map(({ metadata }) => metadata?.album));
          return files.some(({ metadata }) => metadata?.album === 'closed') ? null : { ownerId: 'anna' };
        },
        key: ({ metadata, uploadId }) => `${metadata.album}/${metadata.length}/${uploadId}`,
      }),
    });
    const grant = (...albums: unknown[]) =>
      call('POST', '/uploads', { route: 'a', files: albums.map((album) => declare(png, { metadata: { album } })) });
    const mixed = await grant(' summer ', 7);
    expect(mixed.json.uploads?.map(({ error }) => error?.code)).toEqual([undefined, 'invalid_request']);
    expect((await grant('closed')).status).toBe(401);
    const wrong = await grant(7);
    expect([wrong.status, wrong.json.error?.code]).toEqual([400, 'invalid_request']);
    expect(seen).toEqual([['summer'], ['closed']]);
  });
});
