/** The public shapes of the client. Its three seams are {@link Source}, {@link Transport} and {@link ResumeStore}. */
import type {
  ChecksumAlgorithm,
  DetailsOf,
  ErrorCode,
  RouteInfo,
  RouteTypes,
  StoredFile,
  Transfer,
  WaybillError,
} from '../protocol/index.ts';

/**
 * Where bytes come from. A `File`, a `Blob` and a `Uint8Array` are turned into one; anything else that can read
 * ranges may be one: a path in Node, a URI on a phone.
 */
export interface Source {
  /** Bytes. */
  readonly size: number;
  /** The name that the server is told. */
  readonly fileName: string;
  /** MIME type; parameters and case are normalised. @default the server goes by the file name's extension */
  readonly contentType?: string | undefined;
  /** Bytes from `start` up to, and without, `end`. Rejects when the file cannot be read any more. */
  read(start: number, end: number): Promise<Uint8Array>;
  /** Digest of the whole source as base64, where the platform has a faster way than `read`; undefined: it has none. */
  checksum?(algorithm: ChecksumAlgorithm, signal: AbortSignal): Promise<string | undefined>;
  /** For transports that send a Blob as it is, from disk, never copied. */
  readonly blob?: Blob | undefined;
  /** For transports that send a file by its address. */
  readonly uri?: string | undefined;
  /**
   * Tells this file from others, also tomorrow: of its name, size, time of change and folder, never of its content.
   * Without one nothing is kept for going on later. @default of a `File`: made of exactly those
   */
  readonly fingerprint?: string | undefined;
  /** A `FileSystemFileHandle`: with it nothing needs to be picked again after a reload. */
  readonly handle?: unknown;
}

/** Bytes without an end in sight: a recording, a pipe. Sent in parts while it comes, and read no faster than sent. */
export type StreamLike = ReadableStream<StreamChunk> | AsyncIterable<StreamChunk>;

/** Text is sent as UTF-8. Anything else that a stream gives is `source_unreadable`. */
export type StreamChunk = Uint8Array | ArrayBuffer | ArrayBufferView | Blob | string;

/**
 * What `upload` accepts. A stream has no name and no type of its own: give `fileName` and `contentType`.
 * Plain `Uint8Array`, because TypeScript before 5.7 knows no other; bytes in shared memory are refused by the platform.
 */
export type FileLike = Blob | Uint8Array | Source | StreamLike;

/** One request as the transport gets it: to the app's server with `body`, to the storage with `source`. */
export interface TransportRequest {
  method: string;
  /** Opaque: signed byte by byte, and a secret. */
  url: string;
  headers: Record<string, string>;
  /** JSON. */
  body?: string | undefined;
  /** Sent as the body, or after `fields` as the form's field `file`. */
  source?: Source | undefined;
  /** multipart/form-data fields, in this order. */
  fields?: Record<string, string> | undefined;
  /** For requests to the app's server. */
  credentials?: RequestCredentials | undefined;
  /** Absent: nobody listens, and a browser then sends a form without asking first (no CORS preflight). */
  onProgress?: ((loaded: number) => void) | undefined;
  signal: AbortSignal;
}

export interface TransportResponse {
  status: number;
  /** The name is lower case. Nothing when it is absent, or hidden from this page by CORS. */
  header(name: string): string | null | undefined;
  text: string;
}

export interface Transport {
  /** Rejects when there was no readable answer, and with nothing else. */
  send(request: TransportRequest): Promise<TransportResponse>;
}

/** What `checkContent` of `waybill/client/check-content` is. */
export type CheckContent = (
  file: Pick<Source, 'size' | 'read'>,
  declared: { fileName: string; contentType: string },
  limits: RouteInfo['limits'],
) => Promise<WaybillError | null>;

export interface ClientOptions {
  /** Where the server's uploads live. Trailing and double slashes are left out. @example '/uploads' */
  endpoint: string;
  /**
   * Headers of calls to the app's server, a token for instance. Asked for before each call. Never sent to the storage.
   * After a 401 it is asked once more, and the call made again, before the upload fails with `unauthenticated`.
   * @default none @example async () => ({ authorization: `Bearer ${await getToken()}` })
   */
  headers?: () => Record<string, string> | Promise<Record<string, string>>;
  /**
   * Called when the server answers 401: renew the session, or let the user sign in. When it resolves, `headers` is
   * asked again and the call made once more; calls that were refused together wait for one renewal. When it rejects, or
   * the server answers 401 again, the upload fails with `unauthenticated`, and `retry()` later completes what was sent.
   * @default none @example () => session.refresh()
   */
  onUnauthenticated?: () => void | Promise<void>;
  /**
   * Whether calls to the app's server carry cookies; `include` for a server of another origin. @default 'same-origin'
   * @example 'include'
   */
  credentials?: RequestCredentials;
  /** Requests to each host of the storage at once, over all files. @default 6 @example 3 */
  concurrency?: number;
  /** Attempts after the first, for each file. Waiting for a connection does not count. @default 6 @example 2 */
  retries?: number;
  /** Give a request up after this long without a byte moving, in milliseconds. @default 60_000 @example 20_000 */
  stallTimeoutMs?: number;
  /**
   * Where unfinished uploads are remembered; null: nowhere.
   * @default in browsers IndexedDB, opened with the first upload in parts; in Node none, see `fileResumeStore` @example
   * null
   */
  resumeStore?: ResumeStore | null;
  /**
   * Sends the requests, for platforms of your own.
   * @default XMLHttpRequest for bytes and fetch for calls; in `waybill/client/node` node:http @example nodeTransport({
   * keepAlive: false })
   */
  transport?: Transport;
  /**
   * Looks at the first bytes of each file before it is sent, and warns in the snapshot. It stops nothing.
   * @default none, so that a page need not load the table of formats; in `waybill/client/node` that of
   * `waybill/client/check-content`
   * @example async (...file) => (await import('waybill/client/check-content')).checkContent(...file)
   */
  checkContent?: CheckContent | undefined;
  /**
   * The app's own words for its users, by the code of the error. A function gets the error's `details`, which hold sizes in
   * bytes and lists of types.
   * @default English
   * @example messages: { file_too_large: (details) => `Höchstens ${details?.maxBytes} Bytes.`, aborted: 'Abgebrochen.' }
   */
  messages?: Messages;
  /** Milliseconds on a clock that is never set back. @default performance.now */
  now?: () => number;
  /** 0 <= n < 1, for jitter only. @default Math.random */
  random?: () => number;
  /**
   * A hint: undefined while there is a connection, else a promise for it. It is asked after a failed request only, and
   * requests are tried again without it after 1, 2, 4 ... and at most 30 seconds, because browsers behind a VPN or in a
   * virtual machine may report no connection for ever.
   * @default navigator.onLine and the `online` event @example () => undefined
   */
  online?: () => Promise<void> | undefined;
}

/** `details` is undefined when an older server sent none. */
export type Messages = {
  [Code in ErrorCode]?: string | ((details: DetailsOf<Code> | undefined) => string);
};

export type UploadStatus =
  | 'queued'
  | 'hashing'
  | 'granting'
  | 'uploading'
  | 'completing'
  | 'paused'
  | 'done'
  | 'failed'
  | 'aborted';

/** Immutable; a new one for each change. */
export interface UploadSnapshot<Data = unknown> {
  /** Unique in this page; not the server's `uploadId`. */
  readonly id: string;
  /**
   * Where the upload is: `queued`, `hashing`, `granting`, `uploading`, `completing`, `paused`, `done`, `failed` or
   * `aborted`.
   */
  readonly status: UploadStatus;
  /** Why nothing moves just now: no connection, or the pause before another attempt. */
  readonly waiting: 'offline' | 'backoff' | null;
  /** The name that the server is told. */
  readonly fileName: string;
  /** Bytes; null for a stream until it has ended. */
  readonly size: number | null;
  /** As declared, perhaps empty; from the grant on as the server resolved it. What is stored says `file.contentType`. */
  readonly contentType: string;
  /** Bytes sent. */
  readonly loaded: number;
  /** Bytes to send; null for a stream until it has ended. */
  readonly total: number | null;
  /** Over the last few seconds; 0 while unknown. */
  readonly bytesPerSecond: number;
  /** Null while unknown. */
  readonly secondsLeft: number | null;
  /** How the bytes go (`put`, `form`, `multipart`, `none`); null until the server has answered. */
  readonly transfer: Transfer | null;
  /** What speaks against the file before it is sent (`content_type_mismatch`): the server may refuse it. See `checkContent`. */
  readonly warning: WaybillError | null;
  /** Set when `status` is `failed` or `aborted`. */
  readonly error: WaybillError | null;
  /** Set when `status` is `done`. */
  readonly file: StoredFile | null;
  /** What the route's `onComplete` returned, once `status` is `done`. */
  readonly data: Data | null;
}

export interface UploadResult<Data = unknown> {
  file: StoredFile;
  data: Data;
}

export interface Upload<Data = unknown> {
  /** Unique in this page; not the server's `uploadId`. */
  readonly id: string;
  /** Called after each change; progress at most ten times a second. Returns how to stop. */
  readonly subscribe: (listener: () => void) => () => void;
  /** The state now. The same object until something changes. */
  readonly getSnapshot: () => UploadSnapshot<Data>;
  /** Stops until `resume`, and keeps what has arrived. Nothing happens once the upload has ended. */
  readonly pause: () => void;
  /** Goes on after `pause`. Nothing happens in any other state. */
  readonly resume: () => void;
  /** Stops, and tells the server. Nothing happens once the upload has ended. */
  readonly abort: () => void;
  /** Goes on after `failed` or `aborted`, with a new {@link Upload.done}. Nothing happens in any other state. */
  readonly retry: () => void;
  /** Rejects with a `WaybillError`; one that nobody awaits is not reported as unhandled. */
  readonly done: Promise<UploadResult<Data>>;
}

export interface UploadOptions {
  /** The name that the server is told. @default the File's own name @example 'photo.jpg' */
  fileName?: string;
  /**
   * The MIME type that the server is told.
   * @default the File's own type; where that is empty or a placeholder, the server goes by the extension @example
   * 'image/jpeg'
   */
  contentType?: string;
  /** Aborts the upload, as `upload.abort()` does. @default none @example AbortSignal.timeout(600_000) */
  signal?: AbortSignal;
  /**
   * When this file was begun before and has changed since: drop what was sent, and start a new upload.
   * @default false: such an upload fails with `source_changed` @example true
   */
  startOver?: boolean;
}

/** `metadata` may be left out exactly when the route's schema accepts nothing. */
export type OptionsFor<Route extends RouteTypes> = UploadOptions &
  (undefined extends Route['metadata'] ? { metadata?: Route['metadata'] } : { metadata: Route['metadata'] });

export type OptionsArgument<Route extends RouteTypes> = undefined extends Route['metadata']
  ? [options?: OptionsFor<Route>]
  : [options: OptionsFor<Route>];

export interface Client<Routes extends Record<string, RouteTypes> = Record<string, RouteTypes>> {
  /** Starts one upload. */
  upload<R extends keyof Routes & string>(
    route: R,
    file: FileLike,
    ...options: OptionsArgument<Routes[R]>
  ): Upload<Routes[R]['data']>;
  /**
   * Starts one upload for each file. Grants and completions travel in batches. When there are more files than the route's
   * `maxFiles`, all of them fail with `too_many_files`.
   */
  uploadAll<R extends keyof Routes & string>(
    route: R,
    files: Iterable<FileLike>,
    ...options: OptionsArgument<Routes[R]>
  ): Upload<Routes[R]['data']>[];
  /** Pauses every upload of this client that has not ended. */
  pause(): void;
  /** Goes on with every paused upload of this client. */
  resume(): void;
  /** Aborts every upload of this client that has not ended. */
  abort(): void;
  /**
   * Makes the browser ask its user before the page is left while an upload of this client has not ended. Small files are
   * lost then; large ones could go on after a reload. Returns how to stop. Without effect outside browsers.
   * @example useEffect(() => client.guardUnload(), []);
   */
  guardUnload(): () => void;
  /** What earlier pages and processes began and did not finish, the newest first. Empty without a resume store. */
  resumable(): Promise<Resumable<Routes[keyof Routes & string]['data']>[]>;
  /** What the server tells of a route, asked for once. @throws WaybillError */
  routeInfo(route: keyof Routes & string): Promise<RouteInfo>;
}

/** One unfinished upload as the resume store keeps it. The grant inside is a secret of this user. */
export interface ResumeEntry {
  fingerprint: string;
  endpoint: string;
  route: string;
  fileName: string;
  /** Bytes. */
  size: number;
  contentType: string;
  metadata?: unknown;
  uploadId: string;
  grant: string;
  /** Bytes of every part but the last. */
  partSize: number;
  partCount: number;
  /** Milliseconds since 1970, for display and for tidying up. */
  savedAt: number;
  /** A `FileSystemFileHandle`, which IndexedDB can keep. */
  handle?: unknown;
}

/** What another tab may show of an upload that runs here. */
export interface ResumeProgress {
  fingerprint: string;
  fileName: string;
  /** Bytes. */
  size: number;
  /** Bytes. */
  loaded: number;
  status: UploadStatus;
}

/** Remembers unfinished uploads beyond this page or process. A store that fails costs the memory, never the upload. */
export interface ResumeStore {
  list(): Promise<ResumeEntry[]>;
  get(fingerprint: string): Promise<ResumeEntry | undefined>;
  set(entry: ResumeEntry): Promise<void>;
  delete(fingerprint: string): Promise<void>;
  /** Runs `work` while no other tab or process can do the same; undefined at once when one does it already. */
  exclusively<T>(fingerprint: string, work: () => Promise<T>): Promise<T | undefined>;
  announce?(progress: ResumeProgress): void;
  /** Of uploads that run elsewhere. Returns how to stop. */
  listen?(listener: (progress: ResumeProgress) => void): () => void;
}

/** An upload that was begun and not finished. */
export interface Resumable<Data = unknown> extends Omit<ResumeEntry, 'grant' | 'handle'> {
  /** Whether the file has to be picked again, and given to `resume`. */
  readonly needsFile: boolean;
  /**
   * Sends what is missing. Where the page kept a file handle, the browser may ask its user for permission: call this
   * from a click. Fails with `source_changed` when `file` is not the one that was begun.
   */
  resume(file?: FileLike): Upload<Data>;
  /** Drops it here, and what has arrived at the server. */
  forget(): Promise<void>;
}
