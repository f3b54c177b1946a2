import type { RoutesOf, TypedUploads, WaybillError } from '../protocol/index.ts';
import { normalizeEndpoint } from './answers.ts';
import { createApi } from './api.ts';
import { createBatcher } from './batcher.ts';
import { failure, missing } from './errors.ts';
import { createExchange } from './exchange.ts';
import { createJourney, type Journey, type JourneyContext, type Route } from './journey.ts';
import { createPool, type Pool } from './pool.ts';
import { type OpenSource, toSource, typeOf } from './source.ts';
import { tools } from './tools.ts';
import type { Client, ClientOptions, FileLike, Transport, Upload, UploadOptions } from './types.ts';
import { createUpload } from './upload.ts';

/** The wire's ceiling is 100 grants in a request; fewer let the first of them finish sooner, and keep a body short. */
const filesAtOnce = 50;
/** While so many files are on their way, a call waits for a second completion, and so on. */
const filesPerCompletion = 12;
/** Files in parts, each of which can fill all connections: a second and a third keep them full where one ends. */
const largeAtOnce = 3;

/** Of this page, whatever client they belong to. */
let uploads = 0;

type AnyOptions = UploadOptions & { metadata?: unknown };

/** Without a platform: `waybill/client` and `waybill/client/node` bring theirs. */
export function createClientOn<U extends TypedUploads>(
  options: ClientOptions & { transport: Transport },
): Client<RoutesOf<U>> {
  const {
    transport,
    resumeStore,
    messages,
    concurrency = 6,
    retries = 6,
    stallTimeoutMs = 60_000,
    now = () => performance.now(),
    random = Math.random,
    online = createOnlineHint(),
    checkContent,
  } = options;
  const endpoint = normalizeEndpoint(options.endpoint);
  const exchange = createExchange(transport, stallTimeoutMs);
  const api = createApi(exchange, { ...options, endpoint });
  const routes = new Map<string, Promise<Route>>();
  const lanes = new Map<string, Pool>();
  const running = new Set<Upload>();

  function openRoute(name: string): Promise<Route> {
    const route =
      routes.get(name) ??
      api
        .routeInfo(name)
        .then((info) => [
          info,
          createBatcher((files) => api.grant(name, files), Math.min(filesAtOnce, info.limits.maxFiles)),
        ]);
    routes.set(name, route);
    route.catch(() => routes.delete(name));
    return route;
  }

  const underway = createPool(concurrency * 16, concurrency * 8);

  const context: JourneyContext = {
    api,
    exchange,
    endpoint,
    concurrency,
    recovery: () => import('./recovery/index.ts').catch(missing),
    resumeStore,
    lane(host) {
      const lane = lanes.get(host) ?? createPool(concurrency);
      lanes.set(host, lane);
      return lane;
    },
    openRoute,
    complete: createBatcher(api.complete, filesAtOnce, () => underway.active / filesPerCompletion),
    underway,
    large: createPool(largeAtOnce),
    // More than two digests at once gain nothing, and each holds its file in memory.
    hashing: createPool(2),
    checkContent,
    retries,
    now,
    random,
    online,
  };

  /** In the app's own words where it has some. A function that throws must not keep the upload from ending. */
  function word(error: WaybillError): void {
    const words = messages?.[error.code] as string | ((details: unknown) => string) | undefined;
    try {
      if (words) error.message = typeof words === 'string' ? words : words(error.details);
    } catch {}
  }

  function upload(route: string, file: FileLike | OpenSource, given: AnyOptions = {}, count = 1): Upload {
    const isFile = file && typeof file === 'object';
    const source = isFile ? toSource(file as FileLike) : (emptySource as OpenSource);
    const { size } = source;
    const fileName = given.fileName || source.fileName || 'file';
    const contentType = typeOf(source, given);
    return createUpload(
      // An exception would escape from the page's event handler.
      isFile
        ? createJourney(
            context,
            source,
            route,
            { fileName, contentType, metadata: given.metadata },
            given.startOver,
            count,
          )
        : noFile(file),
      {
        id: `${++uploads}`,
        status: 'queued',
        waiting: null,
        fileName,
        size,
        contentType,
        loaded: 0,
        total: size,
        transfer: null,
        error: null,
        file: null,
        data: null,
        warning: null,
      },
      now,
      given.signal,
      running,
      word,
    );
  }

  const each = (list: Iterable<Upload>, what: 'pause' | 'resume' | 'abort') => () => {
    for (const upload of list) upload[what]();
  };

  return {
    upload,
    uploadAll(route: string, files: Iterable<FileLike>, { signal, ...given }: AnyOptions = {}) {
      const all = [...files];
      const uploads = all.map((file) => upload(route, file, given, all.length));
      // One listener for all: Node warns of a leak at the eleventh.
      const abort = each(uploads, 'abort');
      signal?.addEventListener('abort', abort);
      if (signal?.aborted) abort();
      return uploads;
    },
    pause: each(running, 'pause'),
    resume: each(running, 'resume'),
    abort: each(running, 'abort'),
    guardUnload() {
      const ask = (event: Event) => {
        if (running.size) event.preventDefault();
      };
      globalThis.addEventListener?.('beforeunload', ask);
      return () => globalThis.removeEventListener?.('beforeunload', ask);
    },
    resumable: async () => (await import('./resume/index.ts').catch(missing)).listResumable(tools, context, upload),
    routeInfo: async (route: string) => (await openRoute(route))[0],
  } as Client<RoutesOf<U>>;
}

const emptySource: Pick<OpenSource, 'size' | 'fileName' | 'contentType'> = { size: 0, fileName: '' };
const noFile = (given: unknown): Journey => ({
  run: async () => {
    throw failure('source_unreadable', 'No file was chosen.', { details: { hint: `upload() was given ${given}` } });
  },
  abort() {},
});

/** What the browser says of its connection; undefined where it says nothing, as in Node. */
function createOnlineHint(): NonNullable<ClientOptions['online']> {
  let connection: Promise<void> | undefined;
  return () => {
    if (globalThis.navigator?.onLine !== false) return undefined;
    connection ??= new Promise((resolve) => {
      addEventListener(
        'online',
        () => {
          connection = undefined;
          resolve();
        },
        { once: true },
      );
    });
    return connection;
  };
}
