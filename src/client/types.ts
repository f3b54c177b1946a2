/** The public shapes of the client. Its three seams are {@link Source}, {@link Transport} and, to come, the resume store. */
import type {
  ChecksumAlgorithm,
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
  readonly fileName: string;
  /** MIME type; parameters and case are normalised. @default by the file name's extension */
  readonly contentType?: string | undefined;
  /** Bytes from `start` up to, and without, `end`. Rejects when the file cannot be read any more. */
  read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Digest of the whole source as base64, where the platform has a faster way than `read`; undefined: it has none. */
  checksum?(algorithm: ChecksumAlgorithm, signal: AbortSignal): Promise<string | undefined>;
  /** For transports that send a Blob as it is, from disk, never copied. */
  readonly blob?: Blob | undefined;
  /** For transports that send a file by its address. */
  readonly uri?: string | undefined;
}

/** What `upload` accepts. */
export type FileLike = Blob | Uint8Array<ArrayBuffer> | Source;

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

export interface ClientOptions {
  /** Where the server's uploads live. @example '/uploads' */
  endpoint: string;
  /** Asked for before each call to the app's server: a token, for instance. Never sent to the storage. */
  headers?: () => Record<string, string> | Promise<Record<string, string>>;
  /** Cookies on calls to the app's server. @default 'same-origin' */
  credentials?: RequestCredentials;
  /** Requests to the storage at once, over all files. @default 6 */
  concurrency?: number;
  /** Attempts after the first, for each file. Waiting for a connection does not count. @default 6 */
  retries?: number;
  /** Give a request up after this long without a byte moving. @default 60_000 */
  stallTimeoutMs?: number;
  /** @default XMLHttpRequest for bytes and fetch for calls; in `waybill/client/node` node:http */
  transport?: Transport;
  /** Milliseconds on a clock that is never set back. @default performance.now */
  now?: () => number;
  /** 0 <= n < 1, for jitter only. @default Math.random */
  random?: () => number;
  /** Undefined while there is a connection, else a promise for it. @default navigator.onLine and the `online` event */
  online?: () => Promise<void> | undefined;
}

export type UploadStatus =
  | 'queued'
  | 'hashing'
  | 'granting'
  | 'uploading'
  | 'completing'
  | 'done'
  | 'failed'
  | 'aborted';

/** Immutable; a new one for each change. */
export interface UploadSnapshot<Data = unknown> {
  /** Unique in this page; not the server's `uploadId`. */
  readonly id: string;
  readonly status: UploadStatus;
  /** Why nothing moves just now: no connection, or the pause before another attempt. */
  readonly waiting: 'offline' | 'backoff' | null;
  readonly fileName: string;
  /** Bytes. */
  readonly size: number;
  readonly contentType: string;
  /** Bytes sent. */
  readonly loaded: number;
  /** Bytes to send. */
  readonly total: number;
  /** Over the last few seconds; 0 while unknown. */
  readonly bytesPerSecond: number;
  /** Null while unknown. */
  readonly secondsLeft: number | null;
  readonly transfer: Transfer | null;
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
  readonly id: string;
  /** Called after each change; progress at most ten times a second. Returns how to stop. */
  readonly subscribe: (listener: () => void) => () => void;
  readonly getSnapshot: () => UploadSnapshot<Data>;
  /** Stops, and tells the server. Nothing happens once the upload has ended. */
  readonly abort: () => void;
  /** Goes on after `failed` or `aborted`, with a new {@link Upload.done}. Nothing happens in any other state. */
  readonly retry: () => void;
  /** Rejects with a `WaybillError`; one that nobody awaits is not reported as unhandled. */
  readonly done: Promise<UploadResult<Data>>;
}

export interface UploadOptions {
  /** @default the File's own name */
  fileName?: string;
  /** @default the File's own type, else by the extension */
  contentType?: string;
  signal?: AbortSignal;
}

/** `metadata` may be left out exactly when the route's schema accepts nothing. */
export type OptionsFor<Route extends RouteTypes> = UploadOptions &
  (undefined extends Route['metadata'] ? { metadata?: Route['metadata'] } : { metadata: Route['metadata'] });

export type OptionsArgument<Route extends RouteTypes> = undefined extends Route['metadata']
  ? [options?: OptionsFor<Route>]
  : [options: OptionsFor<Route>];

export interface Client<Routes extends Record<string, RouteTypes> = Record<string, RouteTypes>> {
  upload<R extends keyof Routes & string>(
    route: R,
    file: FileLike,
    ...options: OptionsArgument<Routes[R]>
  ): Upload<Routes[R]['data']>;
  /** As `upload` for each; grants and completions travel in batches either way. */
  uploadAll<R extends keyof Routes & string>(
    route: R,
    files: Iterable<FileLike>,
    ...options: OptionsArgument<Routes[R]>
  ): Upload<Routes[R]['data']>[];
  /** What the server tells of a route, asked for once. @throws WaybillError */
  routeInfo(route: keyof Routes & string): Promise<RouteInfo>;
}
