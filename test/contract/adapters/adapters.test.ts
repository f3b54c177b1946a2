/** One HTTP contract for every adapter, on a real server of its framework. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sqliteLedger } from '../../../src/ledger/sqlite.ts';
import type { CompletedUpload, ListFilesResponse, RenameResponse, SingleGrant } from '../../../src/protocol/index.ts';
import { type Ledger, route } from '../../../src/server/index.ts';
import { createTestApp, png, send } from '../../support/server-app.ts';
import { forEachStore } from '../../support/stores.ts';
import { frameworks, type Running } from './frameworks.ts';

const maxBodyBytes = 4000;

forEachStore(
  'adapters',
  (store) => {
    describe.each(frameworks)('$name', ({ start, userOf, hasOtherRoutes }) => {
      let ledger: Ledger;
      const createApp = (basePath = '', options: object = {}) =>
        createTestApp(
          store.storage(),
          {
            a: route({
              limits: { maxBytes: 1000 },
              authorizeList: 'owner',
              authorizeRename: 'owner',
              authorize({ request }) {
                const ownerId = userOf(request);
                return ownerId === undefined ? null : { ownerId };
              },
            }),
          },
          { ledger, basePath, maxBodyBytes, allowedOrigins: ['https://page.example'], ...options },
        );
      let app: ReturnType<typeof createApp>;
      let running: Running;
      beforeAll(async () => {
        ledger = await sqliteLedger({ file: ':memory:' });
        app = createApp();
        running = await start(app.uploads);
      });
      afterAll(async () => {
        await running.close();
        await ledger.close?.();
      });

      const user = { 'x-user': 'anna' };
      const post = (path: string, body: unknown, headers: Record<string, string> = user) =>
        fetch(`${running.url}${path}`, {
          method: 'POST',
          body: typeof body === 'string' ? body : JSON.stringify(body),
          headers: { 'content-type': 'application/json', ...headers },
        });
      const declaration = (more: object = {}) => ({ route: 'a', files: [app.declare(png, more)] });
      const codeOf = async (response: Response) =>
        ((await response.json()) as { error?: { code: string } }).error?.code;

      it('stores a file, shows it, downloads it, lists it, renames it and deletes it', async () => {
        const granted = await post('/uploads', declaration({ fileName: 'Übersicht 図.png' }));
        const [upload] = ((await granted.json()) as { uploads: [SingleGrant] }).uploads;
        expect(await send(upload.request, png)).toBe(200);
        const answer = await post('/uploads/complete', { grants: [upload.grant] });
        expect(answer.headers.get('content-type')).toMatch(/^application\/json\b/);
        const [{ file }] = ((await answer.json()) as { results: [CompletedUpload] }).results;
        expect(file.fileName).toBe('Übersicht 図.png');

        const view = await fetch(`${running.url}${file.url}?download=1`, { headers: user, redirect: 'manual' });
        expect(view.status).toBe(302);
        const location = view.headers.get('location') ?? '';
        expect(new URL(location).searchParams.get('response-content-disposition')).toContain('attachment');
        expect(Buffer.from(await (await fetch(location)).arrayBuffer())).toEqual(png);

        const list = await fetch(`${running.url}/uploads?route=a&limit=5`, { headers: user });
        expect(((await list.json()) as ListFilesResponse).files).toEqual([file]);
        const renamed = (await (await post(file.url, { fileName: 'Ü 2.png' })).json()) as RenameResponse;
        expect(renamed.file).toMatchObject({ uploadId: file.uploadId, fileName: 'Ü 2.png' });

        expect((await fetch(`${running.url}${file.url}`, { method: 'DELETE', headers: user })).status).toBeLessThan(
          300,
        );
        expect((await fetch(`${running.url}${file.url}`, { headers: user })).status).toBe(404);
      });

      it('gives authorize() the request of the framework', async () => {
        expect((await post('/uploads', declaration())).status).toBe(200);
        const anonymous = await post('/uploads', declaration(), {});
        expect([anonymous.status, await codeOf(anonymous)]).toEqual([401, 'unauthenticated']);
      });

      it('answers HEAD, and a wrong method with 405', async () => {
        const head = await fetch(`${running.url}/uploads/routes/a`, { method: 'HEAD' });
        expect([head.status, await head.text()]).toEqual([200, '']);
        const wrong = await fetch(`${running.url}/uploads/complete`);
        expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST, OPTIONS']);
      });

      it('answers a preflight of an allowed origin', async () => {
        const headers = {
          origin: 'https://page.example',
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'content-type',
        };
        const answer = await fetch(`${running.url}/uploads`, { method: 'OPTIONS', headers });
        expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([
          204,
          'https://page.example',
        ]);
      });

      it('refuses what is not JSON, and a body over the limit', async () => {
        const broken = await post('/uploads', '{"route":');
        expect(broken.status).toBe(400);
        await broken.text();
        const long = await post('/uploads', { ...declaration(), metadata: { text: 'x'.repeat(maxBodyBytes) } });
        expect([long.status, await codeOf(long)]).toEqual([413, 'request_too_large']);
        expect((await post('/uploads', declaration())).status).toBe(200);
      });

      it('understands a slash at the end and a query', async () => {
        expect((await post('/uploads/', declaration())).status).toBe(200);
        expect((await post('/uploads?a=b%20c&a=d', declaration())).status).toBe(200);
      });

      it('serves many requests over few connections', async () => {
        const answers = await Promise.all(Array.from({ length: 40 }, () => post('/uploads', declaration())));
        expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
        await Promise.all(answers.map((answer) => answer.text()));
      });

      it('works below a base path', async () => {
        const mounted = createApp('/api/v1');
        const other = await start(mounted.uploads);
        try {
          const answer = await fetch(`${other.url}/api/v1/uploads`, {
            method: 'POST',
            body: JSON.stringify(declaration()),
            headers: { 'content-type': 'application/json', ...user },
          });
          expect(answer.status).toBe(200);
          await answer.text();
        } finally {
          await other.close();
        }
      });

      it('passes on /events and /upkeep where their options are set, and checks their secrets', async () => {
        const secret = 'a secret of the sender, long enough to be one';
        const other = await start(createApp('', { events: { secret }, upkeep: { secret }, onEvent: () => {} }).uploads);
        try {
          const send = (path: string, token: string) =>
            fetch(`${other.url}${path}`, {
              method: 'POST',
              body: '{"Records":[]}',
              headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
            });
          for (const path of ['/events', '/upkeep']) {
            expect([path, (await send(path, 'wrong')).status]).toEqual([path, 401]);
            expect([path, (await send(path, secret)).status]).toEqual([path, 200]);
          }
        } finally {
          await other.close();
        }
      });

      it('leaves other paths to the app, or answers 404 where it is the whole app', async () => {
        const answer = await fetch(`${running.url}/hello`);
        if (hasOtherRoutes) expect([answer.status, await answer.text()]).toEqual([200, 'hello']);
        else expect([answer.status, await codeOf(answer)]).toEqual([404, 'route_not_found']);
      });
    });
  },
  { only: ['devstore'] },
);
