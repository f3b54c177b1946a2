/**
 * The public types of the client. {@link Source}, {@link Transport} and {@link ResumeStore} are its interfaces to a
 * platform. The file is long because each option and each field is documented here.
 */
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
 * Where the bytes come from. The client makes one of a `File`, a `Blob` or a `Uint8Array`. Anything else that can read
 * ranges can be one: a path in Node, a URI on a phone.
 */
export interface Source {
  /** Bytes. */
  readonly size: number;
  /** The name that is declared to the server. */
  readonly fileName: string;
  /** MIME type; parameters and case are normalised. @default the server decides by the file name's extension */
  readonly contentType?: string | undefined;
  /** The bytes from `start` up to, but not including, `end`. Rejects when the file can no longer be read. */
  read(start: number, end: number): Promise<Uint8Array>;
  /** The digest of the whole source as base64, where the platform has a faster way than `read`; otherwise undefined. */
  checksum?(algorithm: ChecksumAlgorithm, signal: AbortSignal): Promise<string | undefined>;
  /** For transports that send a Blob from disk, without copying it. */
  readonly blob?: Blob | undefined;
  /** For transports that send a file by its address. */
  readonly uri?: string | undefined;
  /**
   * Identifies this file, also in a later page or process: made of its name, size, time of change and folder, and not
   * of its content. Without one, the upload is not kept for resuming later. @default for a `File`, made of these
   */
  readonly fingerprint?: string | undefined;
  /** A `FileSystemFileHandle`: with it, the user need not pick the file again after a reload. */
  readonly handle?: unknown;
}

/**
 * Bytes of unknown size: a recording, a pipe. They are sent in parts while they arrive, and read no faster than sent.
 */
export type StreamLike = ReadableStream<StreamChunk> | AsyncIterable<StreamChunk>;

/** Text is sent as UTF-8. A chunk of any other type fails the upload with `source_unreadable`. */
export type StreamChunk = Uint8Array | ArrayBuffer | ArrayBufferView | Blob | string;

/**
 * What `upload` accepts. A stream has no name and no type: give `fileName` and `contentType`.
 * The type is plain `Uint8Array`, because TypeScript before 5.7 has no other; the platform refuses bytes in shared
 * memory.
 */
export type FileLike = Blob | Uint8Array | Source | StreamLike;

/** One request, as the transport gets it: to the app's server with `body`, to the storage with `source`. */
export interface TransportRequest {
  method: string;
  /** Send it unchanged: every byte is signed. It is a secret. */
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
  /** When it is absent, a browser sends a form without a CORS preflight. */
  onProgress?: ((loaded: number) => void) | undefined;
  signal: AbortSignal;
}

export interface TransportResponse {
  status: number;
  /** `name` is lower case. Null or undefined when the header is absent, or hidden from this page by CORS. */
  header(name: string): string | null | undefined;
  text: string;
}

export interface Transport {
  /** Rejects only when there was no readable answer. */
  send(request: TransportRequest): Promise<TransportResponse>;
}

/** The type of `checkContent` in `waybill/client/check-content`. */
export type CheckContent = (
  file: Pick<Source, 'size' | 'read'>,
  declared: { fileName: string; contentType: string },
  limits: RouteInfo['limits'],
) => Promise<WaybillError | null>;

export interface ClientOptions {
  /** The address of the app's upload server. Trailing and double slashes are removed. @example '/uploads' */
  endpoint: string;
  /**
   * Headers of calls to the app's server, for example a token. It is called before each call, and after a 401 once more
   * before the call is repeated. The headers are never sent to the storage.
   * @default none @example async () => ({ authorization: `Bearer ${await getToken()}` })
   */
  headers?: () => Record<string, string> | Promise<Record<string, string>>;
  /**
   * Called when the server answers 401: renew the session, or let the user sign in. When it resolves, `headers` is
   * called again and the call is repeated once; calls that were refused together wait for one renewal. When it rejects,
   * or the server answers 401 again, the upload fails with `unauthenticated`, and a later `retry()` completes what was
   * sent.
   * @default none @example () => session.refresh()
   */
  onUnauthenticated?: () => void | Promise<void>;
  /**
   * Whether calls to the app's server carry cookies; `include` for a server on another origin. @default 'same-origin'
   * @example 'include'
   */
  credentials?: RequestCredentials;
  /** Requests at once to each host of the storage, over all files. @default 6 @example 3 */
  concurrency?: number;
  /** Attempts after the first one, for each file. Waiting for a connection does not count. @default 6 @example 2 */
  retries?: number;
  /** A request is stopped after this many milliseconds in which no byte was sent. @default 60_000 @example 20_000 */
  stallTimeoutMs?: number;
  /**
   * Where unfinished uploads are remembered; null for nowhere.
   * @default in browsers IndexedDB, opened with the first upload in parts; in Node none, see `fileResumeStore`
   * @example null
   */
  resumeStore?: ResumeStore | null;
  /**
   * Sends the requests. Give one for another platform.
   * @default XMLHttpRequest; in `waybill/client/node` node:http
   * @example nodeTransport({ keepAlive: false })
   */
  transport?: Transport;
  /**
   * Checks the first bytes of each file before it is sent. Its error becomes the snapshot's `warning`, and the file is
   * sent all the same.
   * @default none, so that a page need not load the table of formats; in `waybill/client/node` the one of
   * `waybill/client/check-content`
   * @example async (...file) => (await import('waybill/client/check-content')).checkContent(...file)
   */
  checkContent?: CheckContent | undefined;
  /**
   * The app's own messages for its users, by error code. A function gets the error's `details`, which hold sizes in
   * bytes and lists of types.
   * @default English
   * @example messages: { file_too_large: (details) => `Höchstens ${details?.maxBytes} Bytes.` }
   */
  messages?: Messages;
  /** Milliseconds on a monotonic clock. @default performance.now */
  now?: () => number;
  /** A number n with 0 <= n < 1, for jitter and for the `id` of uploads. @default Math.random */
  random?: () => number;
  /**
   * Returns undefined while there is a connection, and otherwise a promise that resolves when there is one. It is only
   * a hint: it is called after a failed request, and requests are tried again without it after 1, 2, 4 ... and at most
   * 30 seconds, because browsers behind a VPN or in a virtual machine may never report a connection.
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
  | 'preparing'
  | 'hashing'
  | 'granting'
  | 'uploading'
  | 'completing'
  | 'paused'
  | 'done'
  | 'failed'
  | 'aborted';

/** Immutable. Each change creates a new one. */
export interface UploadSnapshot<Data = unknown> {
  /** Unique in this page; not the server's `uploadId`. */
  readonly id: string;
  /**
   * The stage of the upload: `queued`, `hashing`, `granting`, `uploading`, `completing`, `paused`, `done`, `failed` or
   * `aborted`. With a client of `withPrepare` also `preparing`, before all others.
   */
  readonly status: UploadStatus;
  /** Why no bytes are being sent: there is no connection, or a pause before another attempt. */
  readonly waiting: 'offline' | 'backoff' | null;
  /** The name that is declared to the server. */
  readonly fileName: string;
  /** Bytes; null for a stream until it has ended. Before and after a preparation, it is the size of another file. */
  readonly size: number | null;
  /** As declared, possibly empty; after the grant, as the server resolved it. The stored type is `file.contentType`. */
  readonly contentType: string;
  /** Bytes sent. */
  readonly loaded: number;
  /** Bytes to send; null for a stream until it has ended, and for a file that is still being prepared. */
  readonly total: number | null;
  /** How much of the preparation is done, from 0 to 1. Only clients of `withPrepare` have it. */
  readonly prepared?: number;
  /** Measured over the last few seconds; 0 while unknown. */
  readonly bytesPerSecond: number;
  /** Null while unknown. */
  readonly secondsLeft: number | null;
  /** How the bytes are sent (`put`, `form`, `multipart`, `none`); null until the server has answered. */
  readonly transfer: Transfer | null;
  /**
   * `content_type_mismatch` when the content does not look like the declared type. The server may reject it. See
   * `checkContent`.
   */
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
  /**
   * `listener` is called after each change, for progress at most ten times a second. Returns a function that
   * unsubscribes.
   */
  readonly subscribe: (listener: () => void) => () => void;
  /** The current state. The same object is returned until something changes. */
  readonly getSnapshot: () => UploadSnapshot<Data>;
  /** Stops until `resume`, and keeps what has arrived. It has no effect once the upload has ended. */
  readonly pause: () => void;
  /** Continues after `pause`. It has no effect in any other state. */
  readonly resume: () => void;
  /** Stops the upload, and tells the server. It has no effect once the upload has ended. */
  readonly abort: () => void;
  /** Continues after `failed` or `aborted`, with a new {@link Upload.done}. It has no effect in any other state. */
  readonly retry: () => void;
  /** Rejects with a `WaybillError`. When no code awaits it, its rejection is not reported as unhandled. */
  readonly done: Promise<UploadResult<Data>>;
}

export interface UploadOptions {
  /** The name that the server is told. @default the File's own name @example 'photo.jpg' */
  fileName?: string;
  /**
   * The MIME type that is declared to the server.
   * @default the File's own type; where it is empty or a placeholder, the server decides by the extension
   * @example 'image/jpeg'
   */
  contentType?: string;
  /** Aborts the upload, as `upload.abort()` does. @default none @example AbortSignal.timeout(600_000) */
  signal?: AbortSignal;
  /**
   * When this file was begun before and has changed since then: deletes what was sent, and starts a new upload.
   * @default false: such an upload fails with `source_changed` @example true
   */
  startOver?: boolean;
}

/** `metadata` is optional only when the route's schema accepts `undefined`. */
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
   * Starts one upload for each file. Grants and completions are requested in batches. When there are more files than
   * the route's `maxFiles`, all of them fail with `too_many_files`.
   */
  uploadAll<R extends keyof Routes & string>(
    route: R,
    files: Iterable<FileLike>,
    ...options: OptionsArgument<Routes[R]>
  ): Upload<Routes[R]['data']>[];
  /** Pauses every upload of this client that has not ended. */
  pause(): void;
  /** Continues every paused upload of this client. */
  resume(): void;
  /** Aborts every upload of this client that has not ended. */
  abort(): void;
  /**
   * While an upload of this client has not ended, the browser asks its user before it leaves the page. Small files are
   * lost then; large ones can be resumed after a reload. Returns a function that ends this. It has no effect outside
   * browsers.
   * @example useEffect(() => client.guardUnload(), []);
   */
  guardUnload(): () => void;
  /** The uploads that earlier pages and processes did not finish, the newest first. Empty without a resume store. */
  resumable(): Promise<Resumable<Routes[keyof Routes & string]['data']>[]>;
  /** The route's limits and options. The server is asked once. @throws WaybillError */
  routeInfo(route: keyof Routes & string): Promise<RouteInfo>;
}

/** One unfinished upload, as the resume store keeps it. Its grant is a secret of this user. */
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
  /** Milliseconds since 1970, for display and for removing old entries. */
  savedAt: number;
  /** A `FileSystemFileHandle`, which IndexedDB can keep. */
  handle?: unknown;
}

/** What another tab can show about an upload that runs in this one. */
export interface ResumeProgress {
  fingerprint: string;
  fileName: string;
  /** Bytes. */
  size: number;
  /** Bytes. */
  loaded: number;
  status: UploadStatus;
}

/**
 * Remembers unfinished uploads beyond this page or process. When it fails, the upload continues and is not remembered.
 */
export interface ResumeStore {
  /** The clock of `savedAt`: milliseconds since 1970. @default Date.now */
  now?(): number;
  list(): Promise<ResumeEntry[]>;
  get(fingerprint: string): Promise<ResumeEntry | undefined>;
  set(entry: ResumeEntry): Promise<void>;
  delete(fingerprint: string): Promise<void>;
  /** Runs `work` while no other tab or process does. Resolves to undefined, at once, when one does already. */
  exclusively<T>(fingerprint: string, work: () => Promise<T>): Promise<T | undefined>;
  announce?(progress: ResumeProgress): void;
  /** `listener` hears of uploads in other tabs. Returns a function that unsubscribes. */
  listen?(listener: (progress: ResumeProgress) => void): () => void;
}

/** An upload that was begun and not finished. */
export interface Resumable<Data = unknown> extends Omit<ResumeEntry, 'grant' | 'handle'> {
  /** Whether the user has to pick the file again, for `resume`. */
  readonly needsFile: boolean;
  /**
   * Sends what is missing. Where the page kept a file handle, the browser may ask its user for permission, so call this
   * in the event handler of a click. The upload fails with `source_changed` when `file` is not the one that was begun.
   */
  resume(file?: FileLike): Upload<Data>;
  /** Deletes the entry, and what has arrived at the storage. */
  forget(): Promise<void>;
}
