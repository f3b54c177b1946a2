/** Checked by the compiler in `npm run check`. Each line that must not compile has a `@ts-expect-error`. */
import { expect, it } from 'vitest';
import { createManualTransport } from '../../test/support/manual-transport.ts';
import type { TypedUploads } from '../protocol/index.ts';
import { createFilesClient } from './files.ts';
import { createClient, type Resumable, type StoredFile, type Upload, type UploadSnapshot } from './index.ts';
import { createPut } from './put.ts';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Expect<T extends true> = T;

type Uploads = TypedUploads<{
  avatar: { metadata: { crop: string }; data: { id: number } };
  log: { metadata: undefined; data: string };
  any: { metadata: unknown; data: unknown };
}>;

const file = new Blob(['x']);
const options = { endpoint: '/uploads', transport: createManualTransport().transport };
const client = createClient<Uploads>(options);

function mustCompile() {
  const upload = client.upload('avatar', file, { metadata: { crop: 'square' } });
  client.upload('log', file);
  client.upload('log', file, { fileName: 'a.log' });
  client.upload('any', file);
  client.upload('any', file, { metadata: 7 });
  const many = client.uploadAll('log', [file]);
  client.upload('log', new ReadableStream<Uint8Array>(), { fileName: 'a.log', contentType: 'text/plain' });
  client.upload('log', (async function* () {})() as AsyncIterable<Uint8Array>, { fileName: 'a.log', startOver: true });
  client.upload('log', (async function* () {})() as AsyncIterable<string>, { fileName: 'a.log' });
  createClient({
    ...options,
    messages: { aborted: 'Abgebrochen', file_too_large: (details) => `${details?.maxBytes}` },
  });
  const left = client.resumable();
  const untyped = createClient(options).upload('untyped', file, { metadata: {} });
  createFilesClient<Uploads>(options).listFiles('avatar', { limit: 5 });
  createFilesClient(options).listFiles('any name');
  const put = createPut<Uploads>(options)('avatar', new Uint8Array(1), { metadata: { crop: 'a' } });
  return null as unknown as [
    Expect<Equal<typeof upload, Upload<{ id: number }>>>,
    Expect<Equal<typeof many, Upload<string>[]>>,
    Expect<Equal<typeof untyped, Upload<unknown>>>,
    Expect<Equal<Awaited<typeof upload.done>['data'], { id: number }>>,
    Expect<Equal<ReturnType<typeof upload.getSnapshot>, UploadSnapshot<{ id: number }>>>,
    Expect<Equal<Awaited<typeof left>, Resumable<{ id: number } | string | unknown>[]>>,
    Expect<Equal<ReturnType<typeof upload.getSnapshot>['size'], number | null>>,
    Expect<Equal<Awaited<typeof put>, { file: StoredFile; data: { id: number } }>>,
  ];
}

function mustNotCompile() {
  // @ts-expect-error no such route
  createFilesClient<Uploads>(options).listFiles('video');
  // @ts-expect-error there is no such route
  client.upload('nothing', file);
  // @ts-expect-error this route needs metadata
  client.upload('avatar', file);
  // @ts-expect-error the metadata has another shape
  client.upload('avatar', file, { metadata: { crop: 7 } });
  // @ts-expect-error this route has no metadata
  client.upload('log', file, { metadata: { crop: 'a' } });
  // @ts-expect-error an unknown option of upload()
  client.upload('log', file, { folder: 'a' });
  // @ts-expect-error an unknown option of createClient()
  createClient<Uploads>({ endpoint: '/uploads', chunkSize: 5 });
  // @ts-expect-error there is no such code
  createClient<Uploads>({ ...options, messages: { too_blue: 'Zu blau' } });
  // @ts-expect-error details are typed by the code
  createClient<Uploads>({ ...options, messages: { file_too_large: (details) => `${details?.minBytes}` } });
  // @ts-expect-error the put-only entry knows the routes as well
  createPut<Uploads>(options)('nothing', file);
  // @ts-expect-error snapshots are immutable
  client.upload('log', file).getSnapshot().loaded = 1;
}

it('createClient() takes its routes from types only', () => {
  expect([mustCompile, mustNotCompile]).toHaveLength(2);
  expect(Object.keys(client).sort()).toEqual([
    'abort',
    'guardUnload',
    'pause',
    'resumable',
    'resume',
    'routeInfo',
    'upload',
    'uploadAll',
  ]);
});
