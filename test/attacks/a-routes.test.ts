/** A: routes and authorisation. Attack ids: docs/threat-model.md. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WaybillError } from '../../src/protocol/index.ts';
import { route } from '../../src/server/index.ts';
import { forEachStore } from '../support/stores.ts';
import { type App, checksumOf, completedOf, errorOf, png, send, stagedKey, startApp } from './app.ts';

forEachStore('routes and authorisation', (store) => {
  let app: App;
  const seenFiles: unknown[] = [];
  const receivedMetadata: unknown[] = [];

  beforeAll(async () => {
    const limits = { maxBytes: 1000, contentTypes: ['image/*'] };
    app = await startApp(store, {
      routes: {
        files: route({
          limits,
          authorize: ({ request, files }) => {
            seenFiles.push(files);
            const ownerId = request.header('x-user');
            return ownerId ? { ownerId } : null;
          },
          metadata: albumSchema,
          onComplete: ({ metadata }) => {
            receivedMetadata.push(metadata);
          },
        }),
        nullOwner: route({ limits, authorize: () => null }),
        undefinedOwner: route({ limits, authorize: () => undefined }),
        throws: route({
          limits,
          authorize: () => {
            throw new Error('database password is hunter2');
          },
        }),
        refuses: route({
          limits,
          authorize: () => {
            throw new WaybillError('forbidden', 'Not in this album.');
          },
        }),
      },
    });
  });
  afterAll(() => app.stop());

  async function storedKeys() {
    const page = await store.storage().list({ prefix: '' });
    return page.objects.map((object) => object.key);
  }

  it('A1 a route name that the app does not define finds no route', async () => {
    const names = ['constructor', 'toString', '__proto__', 'valueOf', 'hasOwnProperty', '', 'x'.repeat(10_000)];
    for (const name of names) {
      const files = [{ fileName: 'a.png', size: 1, contentType: 'image/png', checksum: checksumOf('sha256', png) }];
      const answer = await app.call('POST', '/uploads', { route: name, files });
      expect([name.slice(0, 20), errorOf(answer), answer.status]).toEqual([name.slice(0, 20), 'route_not_found', 404]);
      expect(answer.text).not.toContain('X-Amz-');
      const info = await app.call('GET', `/uploads/routes/${encodeURIComponent(name)}`);
      expect(info.status).toBe(404);
    }
  });

  it.each([
    ['nullOwner', 401, 'unauthenticated'],
    ['undefinedOwner', 401, 'unauthenticated'],
    ['refuses', 403, 'forbidden'],
    ['throws', 500, 'internal_error'],
  ])('A2 a grant on route %s answers %i and signs nothing', async (name, status, code) => {
    const before = await storedKeys();
    const answer = await app.tryGrant(png, {}, { name });
    expect([answer.status, errorOf(answer)]).toEqual([status, code]);
    expect(answer.text).not.toContain('X-Amz-');
    expect(answer.text).not.toContain('hunter2');
    expect(await storedKeys()).toEqual(before);
  });

  it('A3 later calls answer 401 without credentials, and another owner gets upload_not_found', async () => {
    const { upload, completed } = await app.store(png, {}, { metadata: { album: 'a' } });
    const unknown = await app.grant(png, {}, { metadata: { album: 'a' } });
    for (const verb of ['complete', 'abort'] as const) {
      const anonymous = await app[verb](upload.grant, { 'x-user': '' });
      expect([anonymous.status, errorOf(anonymous)]).toEqual([401, 'unauthenticated']);
      const other = await app[verb](upload.grant, { 'x-user': 'mallory' });
      const unknownUpload = await app[verb](unknown.grant, { 'x-user': 'mallory' });
      expect([other.status, errorOf(other)]).toEqual([404, 'upload_not_found']);
      expect(withoutIds(other.text)).toBe(withoutIds(unknownUpload.text));
    }
    const path = completed.file.url;
    const view = await app.call('GET', path, undefined, { 'x-user': 'mallory' });
    const noView = await app.call('GET', `${path.slice(0, -4)}AAAA`, undefined, { 'x-user': 'mallory' });
    expect([view.status, errorOf(view)]).toEqual([404, 'upload_not_found']);
    expect([noView.status, withoutIds(noView.text)]).toEqual([view.status, withoutIds(view.text)]);
    expect((await app.call('GET', path, undefined, { 'x-user': '' })).status).toBe(401);
    // The refused calls changed nothing.
    expect((await app.call('GET', path)).status).toBe(302);
    expect(completedOf(await app.complete(upload.grant)).file.key).toBe(completed.file.key);
  });

  it('A4 callbacks receive the parsed metadata', async () => {
    receivedMetadata.length = 0;
    await app.store(png, {}, { metadata: { album: 'holiday', isAdmin: true, __proto__: { x: 1 } } });
    expect(receivedMetadata).toEqual([{ album: 'holiday' }]);
    const refused = await app.tryGrant(png, {}, { metadata: { album: 7 } });
    expect([refused.status, errorOf(refused)]).toEqual([400, 'invalid_request']);
  });

  it('A5 authorize sees the declared files, and limits are checked before anything is signed or stored', async () => {
    seenFiles.length = 0;
    const before = await storedKeys();
    const answer = await app.tryGrant(png, { fileName: 'big.png', size: 5000 }, { metadata: { album: 'a' } });
    expect(errorOf(answer)).toBe('file_too_large');
    expect(seenFiles).toEqual([
      [expect.objectContaining({ fileName: 'big.png', size: 5000, contentType: 'image/png' })],
    ]);
    expect(answer.text).not.toContain('X-Amz-');
    expect(await storedKeys()).toEqual(before);
  });

  it('A3 a presigned request is refused for the key of another upload', async () => {
    const own = await app.grant(png, {}, { metadata: { album: 'a' } });
    const other = await app.grant(png, {}, { user: 'bob', metadata: { album: 'a' } });
    const url = own.request.url.replace(
      encodeURI(stagedKey(store, own.request)),
      encodeURI(stagedKey(store, other.request)),
    );
    expect(url).not.toBe(own.request.url);
    expect((await send(own.request, png, { url })).status).toBe(403);
  });
});

/** A Standard Schema that keeps `album` and removes all other properties. */
const albumSchema = {
  '~standard': {
    version: 1 as const,
    vendor: 'test',
    validate: (value: unknown) => {
      const album = (value as { album?: unknown } | undefined)?.album;
      return typeof album === 'string'
        ? { value: { album } }
        : { issues: [{ message: 'album is a string', path: ['album'] }] };
    },
  },
};

function withoutIds(text: string): string {
  return text.replace(/"requestId":"[^"]*"/g, '"requestId":""');
}
