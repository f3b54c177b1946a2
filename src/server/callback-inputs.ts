/** The arguments of the callbacks of a route. */
import type { Checksum, ErrorCode, FileDeclaration, StoredFile } from '../protocol/index.ts';
import type { Deletion } from './state/ledger.ts';

/** The request that `authorize` gets. It is the same with every adapter. */
export interface CallbackRequest {
  readonly method: string;
  /** Percent-encoded, without the query. */
  readonly path: string;
  /** Names are case-insensitive. */
  header(name: string): string | undefined;
  /** Created at first use. {@link CallbackRequest.header} is faster. */
  readonly headers: Headers;
  /** The framework's own request: a Fetch `Request`, node's `IncomingMessage`, Express's `req`. */
  readonly raw: unknown;
}

/** The owner, and other fields that the callbacks of the app need. */
export interface Owner {
  /** One safe segment of a key: no `/`, not `.` or `..`, at most 128 bytes. */
  ownerId: string;
}

/**
 * `parts`: the client asks for signed requests for parts, or for the list of the parts that arrived. `list`: the client
 * asks for the stored files of an owner.
 */
export type Action = 'grant' | 'parts' | 'complete' | 'abort' | 'view' | 'delete' | 'list' | 'rename';

export interface AuthorizeInput<Metadata = unknown> {
  /** The request: `header(name)`, `headers`, `method`, `path`, and `raw`, the framework's own request. */
  request: CallbackRequest;
  /** The route's name. */
  route: string;
  /** The operation: `grant`, `parts`, `complete`, `abort`, `view`, `delete`, `list` or `rename`. */
  action: Action;
  /**
   * The declared files; for a view, a delete or a rename, the name of the stored file; none for a list. Nothing has
   * been signed yet. A file whose metadata the schema refuses is left out, because it is answered with
   * `invalid_request`.
   */
  files: readonly AuthorizeFile<Metadata>[];
}

export interface AuthorizeFile<Metadata = unknown> extends Pick<FileDeclaration, 'fileName'> {
  /** Bytes; null for a stream, absent for a stored file. */
  size?: number | null;
  contentType?: string;
  /** The client's metadata, as the schema parsed it; absent for a stored file. */
  metadata?: Metadata;
}

export type Awaitable<T> = T | Promise<T>;
type NoOwner = null | undefined | false | '' | 0;

/**
 * Returns the owner, or nothing for an unknown user (401). Throw `new WaybillError('forbidden', ...)` to refuse a known
 * user. It runs again on every later call, and only the same owner can complete, abort, view, list, rename or delete.
 */
export type Authorize<Context extends Owner, Metadata = unknown> = (
  input: AuthorizeInput<Metadata>,
) => Awaitable<Context | NoOwner>;

export interface KeyInput<Metadata, Context> {
  /** The route's name. */
  route: string;
  /** As `authorize` returned it. */
  ownerId: string;
  /** Unique, chosen by the server. A key that contains it is never used again. */
  uploadId: string;
  /** Lower case, without the dot; empty when the name has no extension that is safe for the type. */
  extension: string;
  /** Cleaned for display, still untrusted. */
  fileName: string;
  /** Bytes; null for a stream. */
  size: number | null;
  /** The type that the file is stored with. */
  contentType: string;
  /** The client's metadata, as the schema parsed it. */
  metadata: Metadata;
  /** What `authorize` returned. */
  context: Context;
}

export interface InspectInput<Metadata> {
  /** The facts of the file before it is stored. */
  file: Omit<StoredFile, 'url' | 'storedAt'>;
  /** As `authorize` returned it. */
  ownerId: string;
  /** The upload's id. */
  uploadId: string;
  /** The client's metadata, as the schema parsed it. */
  metadata: Metadata;
  /** The staged object, from its first byte. Each call reads it from the beginning. */
  stream(): Promise<ReadableStream<Uint8Array>>;
}

export interface CompleteInput<Metadata> {
  /** The stored file, with its stable `url`. */
  file: StoredFile;
  /** As `authorize` returned it. */
  ownerId: string;
  /** The callback may run twice when a process dies. Make its work idempotent on this id. */
  uploadId: string;
  /** The client's metadata, as the schema parsed it. */
  metadata: Metadata;
}

/** What was granted for a file that has not been stored. */
export interface GrantedFile {
  /** The key that the file would have had. */
  key: string;
  /** Cleaned for display, still untrusted. */
  fileName: string;
  /** The type that was granted. */
  contentType: string;
  /** Bytes; null for a stream. */
  size: number | null;
  /** The checksum that the client declared; null without one, as for files in parts. */
  checksum: Checksum | null;
}

export interface RejectInput<Metadata> {
  /** What was granted. Nothing of it is stored. */
  file: GrantedFile;
  /** As `authorize` returned it. */
  ownerId: string;
  /** The callback may run twice. Make its work idempotent on this id. */
  uploadId: string;
  /** The client's metadata, as the schema parsed it. */
  metadata: Metadata;
  /** Why it was rejected: `upload_rejected` by `inspect`, or another code such as `content_type_mismatch`. */
  code: ErrorCode;
  /** The text that the client gets, for `upload_rejected` the reason that `inspect` returned. */
  message: string;
}

export interface ExpireInput<Metadata> {
  /** What was granted. It has not arrived, or not completely. */
  file: GrantedFile;
  /** As `authorize` returned it. */
  ownerId: string;
  /** The callback may run twice. Make its work idempotent on this id. */
  uploadId: string;
  /** The client's metadata, as the schema parsed it. */
  metadata: Metadata;
}

export interface DeleteInput<Metadata> {
  /** The file as `onComplete` got it. Another upload may share its object (`dedupe`), or have its key by now. */
  file: Omit<StoredFile, 'url'>;
  /** As `authorize` returned it. */
  ownerId: string;
  /** The callback may run twice. Make its work idempotent on this id. */
  uploadId: string;
  /** The client's metadata, as the schema parsed it. */
  metadata: Metadata;
  /** `request`: a client deleted it. `server`: `uploads.deleteFile()` did. `replaced`: a later upload took its key. */
  reason: Deletion['reason'];
  /**
   * The owner who sent the request or the later upload, or the `actor` of `uploads.deleteFile()`. Null when that is not
   * known, as where `authorizeDelete` decided.
   */
  actor: Deletion['actor'];
}

export interface StoredFileInput {
  request: CallbackRequest;
  route: string;
  /** The owner of the file. */
  ownerId: string;
  uploadId: string;
  key: string;
  fileName: string;
}

export interface RenameInput extends StoredFileInput {
  /** The name that the request asks for, cleaned for display. */
  newFileName: string;
}

export interface ListInput {
  request: CallbackRequest;
  route: string;
  /** Whose files are asked for: the `ownerId` of the query, and without one the owner that `authorize` returned. */
  ownerId: string;
}
