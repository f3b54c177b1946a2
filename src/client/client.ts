import type { RoutesOf, TypedUploads, WaybillError } from '../protocol/index.ts';
import { normalizeEndpoint } from './answers.ts';
import { createApi } from './api.ts';
import { createBatcher } from './batcher.ts';
import type { ClientContext, Route } from './context.ts';
import { createEngine, type Engine } from './engine.ts';
import { failure, throwNetworkError } from './errors.ts';
import { createExchange } from './exchange.ts';
import { createPool, type Pool } from './pool.ts';
import type { UploadState } from './snapshots.ts';
import { contentTypeOf, type OpenSource, toSource } from './source.ts';
import { tools } from './tools.ts';
import type { Client, ClientOptions, FileLike, Transport, Upload, UploadOptions } from './types.ts';
import { createUpload } from './upload.ts';

/** The protocol allows 100 grants in a request. With fewer, the first files finish sooner. */
const maxFilesInRequest = 50;
/** For every twelve files under way, a call for completion waits for one more file. */
const filesPerCompletion = 12;
/** One file in parts can use all connections. Two more keep the connections in use while a file begins or ends. */
const maxMultipartFiles = 3;

type AnyOptions = UploadOptions & { metadata?: unknown };

/** Creates a client on any transport. Each entry point passes the one of its platform. @param onTransition for tests */
export function createClientOn<U extends TypedUploads>(
  options: ClientOptions & { transport: Transport },
  onTransition?: ClientContext['onTransition'],
): Client<RoutesOf<U>> {
  const { messages } = options;
  const context = createContext(options, onTransition);
  const { now } = context;
  const running = new Set<Upload>();
  /** Makes the ids unique in this page, because another client has another prefix. */
  const idPrefix = context.random().toString(36).slice(2);
  let uploadCount = 0;

  /** Sets the app's own message, if there is one. A function that throws does not keep the upload from ending. */
  function translate(error: WaybillError): void {
    const message = messages?.[error.code] as string | ((details: unknown) => string) | undefined;
    try {
      if (message) error.message = typeof message === 'string' ? message : message(error.details);
    } catch {}
  }

  function upload(route: string, file: FileLike | OpenSource, given: AnyOptions = {}, count = 1): Upload {
    const isFile = file && typeof file === 'object';
    const source = isFile ? toSource(file as FileLike) : (emptySource as OpenSource);
    const fileName = given.fileName || source.fileName || 'file';
    const contentType = contentTypeOf(source, given);
    return createUpload(
      // Without a file, the upload fails. An exception here would end the page's event handler.
      isFile
        ? createEngine(context, {
            source,
            route,
            file: { fileName, contentType, metadata: given.metadata },
            startOver: given.startOver,
            count,
          })
        : noFile(file),
      createState(idPrefix + ++uploadCount, fileName, source.size, contentType),
      now,
      given.signal,
      running,
      translate,
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
      // One listener serves all uploads, because Node warns of a leak when a signal has eleven listeners.
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
    resumable: async () =>
      (await import('./resume/index.ts').catch(throwNetworkError)).listResumable(tools, context, upload),
    routeInfo: async (route: string) => (await context.openRoute(route)).info,
  } as Client<RoutesOf<U>>;
}

function createState(id: string, fileName: string, size: number | null, contentType: string): UploadState {
  return {
    id,
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
  };
}

function createContext(
  options: ClientOptions & { transport: Transport },
  onTransition: ClientContext['onTransition'],
): ClientContext {
  const {
    transport,
    resumeStore,
    concurrency = 6,
    retries = 6,
    stallTimeoutMs = 60_000,
    now = () => performance.now(),
    random = Math.random,
    online = createOnlineHint(),
    checkContent,
    endpoint: given,
    headers,
    credentials,
    onUnauthenticated,
    messages: _,
    ...unknown
  } = options;
  // Only the names are checked: a check of the values would be larger than the limits of the bundle allow.
  for (const name in unknown) throw failure('config_invalid', `createClient() has no option ${name}.`);
  const endpoint = normalizeEndpoint(given);
  const exchange = createExchange(transport, stallTimeoutMs);
  const api = createApi(exchange, { ...options, endpoint });
  const routes = new Map<string, Promise<Route>>();
  const pools = new Map<string, Pool>();

  function openRoute(name: string): Promise<Route> {
    const route =
      routes.get(name) ??
      api.routeInfo(name).then((info) => ({
        info,
        grant: createBatcher((files) => api.grant(name, files), Math.min(maxFilesInRequest, info.limits.maxFiles)),
      }));
    routes.set(name, route);
    route.catch(() => routes.delete(name));
    return route;
  }

  const filePool = createPool(concurrency * 16, concurrency * 8);

  return {
    api,
    exchange,
    endpoint,
    concurrency,
    loadRecovery: () => import('./recovery/index.ts').catch(throwNetworkError),
    resumeStore,
    connections(host) {
      const pool = pools.get(host) ?? createPool(concurrency);
      pools.set(host, pool);
      return pool;
    },
    openRoute,
    complete: createBatcher(api.complete, maxFilesInRequest, () => filePool.active / filesPerCompletion),
    filePool,
    multipartPool: createPool(maxMultipartFiles),
    // More than two digests at once are not faster, and each holds its file in memory.
    hashPool: createPool(2),
    checkContent,
    retries,
    now,
    random,
    online,
    turns: 0,
    uncompleted: 0,
    onTransition,
  };
}

const emptySource: Pick<OpenSource, 'size' | 'fileName' | 'contentType'> = { size: 0, fileName: '' };
const noFile = (given: unknown): Engine => ({
  run: async () => {
    throw failure('source_unreadable', 'No file was chosen.', { details: { hint: `upload() was given ${given}` } });
  },
  abort() {},
});

/** The browser's report about its connection; always undefined where there is none, as in Node. */
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
