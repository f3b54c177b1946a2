/** The plugin on a real Uppy, and a client with a transport that the test answers. */
import Uppy, { type Meta, type State } from '@uppy/core';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  answerWell,
  completedOf,
  createManualTransport,
  type ManualTransport,
  routeInfo,
  wireError,
} from '../../test/support/manual-transport.ts';
import { createClient, isWaybillError } from '../client/index.ts';
import type { TypedUploads } from '../protocol/index.ts';
import { type UploadedBody, type UploaderOptions, WaybillUploader } from './index.ts';

type Photo = { metadata: { caption: string }; data: { id: number } };
type Uploads = TypedUploads<{ photos: Photo; log: { metadata: undefined; data: string } }>;
type PhotoUppy = Uppy<Meta, UploadedBody<{ id: number }>>;

/** It is compiled and not run. */
function useTypes(uppy: PhotoUppy) {
  const client = createClient<Uploads>({ endpoint: '/uploads' });
  uppy.use(WaybillUploader, { client, route: 'log' });
  uppy.use(WaybillUploader, {
    client,
    route: 'photos',
    metadata: ({ meta }) => ({ caption: String(meta.caption) }),
  } satisfies UploaderOptions<Uploads, 'photos'>);
  // @ts-expect-error there is no such route
  const unknown = { client, route: 'nothing' } satisfies UploaderOptions<Uploads>;
  // @ts-expect-error this route needs metadata
  const missing = { client, route: 'photos' } satisfies UploaderOptions<Uploads, 'photos'>;
  // @ts-expect-error a client is needed
  uppy.use(WaybillUploader, { route: 'photos' });
  uppy.on('upload-success', (_, { body, uploadURL }) => [body?.data.id.toFixed(), body?.file.key, uploadURL]);
  return [unknown, missing];
}

let manual: ManualTransport;
let uppy: PhotoUppy;
const events: unknown[][] = [];
const silent = { debug() {}, warn() {}, error() {} };

/** Adds the plugin to a new Uppy, and records the events that an app would use. */
function use(options: Partial<UploaderOptions> = {}, restrictions = {}): void {
  manual = createManualTransport();
  uppy = new Uppy<Meta, UploadedBody<{ id: number }>>({ restrictions, logger: silent });
  const client = createClient({ endpoint: '/uploads', transport: manual.transport, retries: 0, resumeStore: null });
  uppy.use(WaybillUploader, { client, route: 'files', restrictions: false, ...options });
  events.length = 0;
  uppy.on('upload-start', (files) => events.push(['start', ...files.map((file) => file.name)]));
  uppy.on('upload-success', (file, { uploadURL, body }) => events.push(['success', file?.name, uploadURL, body?.data]));
  uppy.on('upload-error', (file, error) => events.push(['error', file?.name, error.message]));
}

const add = (name = 'a.txt', type = 'text/plain') => uppy.addFile({ name, type, data: new File(['hello'], name) });
/** Waits until Uppy's state is as the test wants it. */
const until = (isReached: (state: State<Meta, UploadedBody<{ id: number }>>) => boolean) =>
  new Promise<void>((resolve) => {
    const check = () => {
      if (!isReached(uppy.getState())) return;
      uppy.off('state-update', check);
      resolve();
    };
    uppy.on('state-update', check);
    check();
  });
const requests = () => manual.sent.map(({ method, url }) => `${method} ${url.replace(/\?.*/, '')}`);
const declared = () =>
  manual.sent
    .filter(({ method, url }) => method === 'POST' && url === '/uploads')
    .flatMap(({ body }) => JSON.parse(body ?? '').files);

it('the options are typed by the routes', () => {
  expect(useTypes).toBeTypeOf('function');
});

describe('WaybillUploader', () => {
  beforeEach(() => use());

  it('sends the files, and passes on the stored file with its URL', async () => {
    manual.serve((held) => {
      if (!held.request.url.endsWith('/complete')) return answerWell(held);
      held.answer(200, { results: (held.json.grants as string[]).map((grant) => completedOf(grant, { id: 7 })) });
    });
    const ids = [add('a.txt'), add('b.txt')];
    uppy.setFileMeta(ids[0] as string, { ...uppy.getFile(ids[0] as string).meta, name: 'renamed.txt' });
    const result = await uppy.upload();
    expect(result?.failed).toEqual([]);
    expect(result?.successful?.map(({ response }) => response?.body?.data)).toEqual([{ id: 7 }, { id: 7 }]);
    expect(
      declared()
        .map(({ fileName }) => fileName)
        .sort(),
    ).toEqual(['b.txt', 'renamed.txt']);
    expect(events[0]).toEqual(['start', 'a.txt', 'b.txt']);
    const url = expect.stringMatching(/^\/files\/grant-\d+$/);
    expect(events.slice(1).sort()).toEqual([
      ['success', 'a.txt', url, { id: 7 }],
      ['success', 'b.txt', url, { id: 7 }],
    ]);
    expect(uppy.getFile(ids[0] as string).uploadURL).toEqual(url);
    expect(uppy.getState().capabilities.resumableUploads).toBe(true);
  });

  it('sends the metadata that the option returns, and no other', async () => {
    use({ metadata: ({ meta }) => ({ caption: meta.caption }) });
    manual.serve(answerWell);
    const id = add();
    uppy.setFileMeta(id, { ...uppy.getFile(id).meta, caption: 'a tree', secret: 'x' });
    await uppy.upload();
    expect(JSON.stringify(declared())).toContain('"metadata":{"caption":"a tree"}');
    expect(JSON.stringify(declared())).not.toContain('secret');
  });

  it('reports progress in bytes', async () => {
    const id = add();
    const done = uppy.upload();
    for (const pattern of [/routes/, /POST/]) answerWell(await manual.next(pattern));
    const put = await manual.next(/PUT/);
    put.request.onProgress?.(3);
    await until(() => uppy.getFile(id).progress.bytesUploaded === 3);
    expect(uppy.getFile(id).progress).toMatchObject({
      bytesTotal: 5,
      percentage: 60,
      uploadStarted: expect.any(Number),
    });
    answerWell(put);
    answerWell(await manual.next(/complete/));
    await done;
    expect(uppy.getFile(id).progress).toMatchObject({ percentage: 100, uploadComplete: true });
  });

  it.each([
    ['one file', (id: string) => uppy.pauseResume(id), (id: string) => uppy.pauseResume(id)],
    ['all files', () => uppy.pauseAll(), () => uppy.resumeAll()],
  ])('pauses and resumes %s', async (_, pause, resume) => {
    const id = add();
    const done = uppy.upload();
    for (const pattern of [/routes/, /POST/]) answerWell(await manual.next(pattern));
    const { request } = await manual.next(/PUT/);
    pause(id);
    expect(request.signal.aborted).toBe(true);
    expect(uppy.getFile(id).isPaused).toBe(true);
    resume(id);
    manual.serve(answerWell);
    await done;
    expect(uppy.getFile(id).progress.uploadComplete).toBe(true);
    expect(requests().filter((line) => line.startsWith('PUT'))).toHaveLength(2);
  });

  it('shows a pause of the client', async () => {
    const client = createClient({ endpoint: '/uploads', transport: manual.transport, resumeStore: null });
    uppy.getPlugin('WaybillUploader')?.setOptions({ client });
    const id = add();
    const done = uppy.upload();
    const held = await manual.next(/routes/);
    client.pause();
    expect(uppy.getFile(id).isPaused).toBe(true);
    client.resume();
    expect(uppy.getFile(id).isPaused).toBe(false);
    answerWell(held);
    manual.serve(answerWell);
    await done;
  });

  it.each([
    ['removed', (id: string) => uppy.removeFile(id)],
    ['cancelled with all files', () => uppy.cancelAll()],
    ['in an Uppy that is destroyed', () => uppy.destroy()],
  ])('aborts the upload of a file that is %s', async (_, remove) => {
    const id = add();
    const done = uppy.upload();
    for (const pattern of [/routes/, /POST/]) answerWell(await manual.next(pattern));
    const { request } = await manual.next(/PUT/);
    remove(id);
    expect(request.signal.aborted).toBe(true);
    answerWell(await manual.next(/abort/));
    await done;
    expect(events).toEqual([['start', 'a.txt']]);
  });

  it('passes on an error with its cause, and a retry continues the same upload', async () => {
    const causes: unknown[] = [];
    uppy.on('upload-error', (_, error) => causes.push((error as Error).cause));
    const id = add();
    const done = uppy.upload();
    for (const pattern of [/routes/, /POST/, /PUT/]) answerWell(await manual.next(pattern));
    (await manual.next(/complete/)).answer(403, wireError('forbidden'));
    const result = await done;
    expect(result?.failed?.map(({ error }) => error)).toEqual(['forbidden!']);
    expect(causes.map((cause) => isWaybillError(cause) && cause.code)).toEqual(['forbidden']);
    manual.serve(answerWell);
    await uppy.retryUpload(id);
    expect(uppy.getFile(id).progress.uploadComplete).toBe(true);
    expect(uppy.getFile(id).error).toBe(null);
    // The bytes had arrived, so that only the completion is repeated.
    expect(requests().filter((line) => line.startsWith('PUT'))).toHaveLength(1);
  });

  it('retryAll() starts a new upload of a file that was edited after its failure', async () => {
    const id = add();
    const done = uppy.upload();
    answerWell(await manual.next(/routes/));
    (await manual.next(/POST/)).answer(403, wireError('forbidden'));
    await done;
    uppy.setFileMeta(id, { ...uppy.getFile(id).meta, name: 'b.txt' });
    manual.serve(answerWell);
    await uppy.retryAll();
    expect(declared().map(({ fileName }) => fileName)).toEqual(['a.txt', 'b.txt']);
  });

  it('a file that cannot start fails alone', async () => {
    use({
      metadata: ({ name }) => {
        if (name === 'a.txt') throw new Error('no caption');
      },
    });
    manual.serve(answerWell);
    add('a.txt');
    add('b.txt');
    uppy.setFileState(add('c.txt'), { isRemote: true, data: { size: 5 } });
    const result = await uppy.upload();
    expect(result?.successful?.map(({ name }) => name)).toEqual(['b.txt']);
    expect(result?.failed?.map(({ error }) => error)).toEqual([
      'no caption',
      'Choose this file on your device: it is sent from the browser.',
    ]);
  });

  it('does not send a file again that was completed before Uppy was restored', async () => {
    manual.serve(answerWell);
    const id = add();
    await uppy.upload();
    const before = requests().length;
    uppy.setState({ currentUploads: { restored: { fileIDs: [id], step: 0, result: {} } } });
    await uppy.restore('restored');
    expect(requests()).toHaveLength(before);
  });

  it('uninstall() removes its uploader and its listeners', async () => {
    const plugin = uppy.getPlugin('WaybillUploader');
    if (!plugin) throw new Error('The plugin is not installed.');
    uppy.removePlugin(plugin);
    add();
    await uppy.upload();
    expect(manual.sent).toHaveLength(0);
    expect(uppy.getState().capabilities.resumableUploads).toBe(false);
  });
});

describe('the option `restrictions`', () => {
  const answerRoute = async (limits: object = {}) =>
    (await manual.next(/routes/)).answer(200, { ...routeInfo, limits: { ...routeInfo.limits, ...limits } });
  const restricted = () => until(() => uppy.opts.restrictions.maxFileSize === 1000);

  it('sets the limits of the route, and keeps those of the app', async () => {
    use({ restrictions: true }, { maxNumberOfFiles: 2 });
    await answerRoute();
    await restricted();
    expect(uppy.opts.restrictions).toMatchObject({
      minFileSize: 1,
      maxFileSize: 1000,
      maxNumberOfFiles: 2,
      allowedFileTypes: ['text/plain', 'image/*'],
    });
    expect(() => add('a.pdf', 'application/pdf')).toThrow('You can only upload: text/plain, image/*');
  });

  it('allows the extensions where the route has them, and every type where it accepts all', async () => {
    use({ restrictions: true });
    await answerRoute({ extensions: ['jpg'] });
    await restricted();
    expect(uppy.opts.restrictions.allowedFileTypes).toEqual(['.jpg']);
    use({ restrictions: true });
    await answerRoute({ contentTypes: ['*/*'] });
    await restricted();
    expect(uppy.opts.restrictions.allowedFileTypes).toBe(null);
  });

  it('leaves Uppy as it is when the server does not answer', async () => {
    use({ restrictions: true });
    (await manual.next(/routes/)).answer(403, wireError('forbidden'));
    manual.serve((held) => held.answer(403, wireError('forbidden')));
    add('a.pdf', 'application/pdf');
    const result = await uppy.upload();
    expect(result?.failed?.map(({ error }) => error)).toEqual(['forbidden!']);
  });
});
