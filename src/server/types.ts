/** What an app writes: the rules and callbacks of a route, and the arguments of the callbacks. */
import type { Checksum, ErrorCode, FileDeclaration, Limits, RouteTypes, StoredFile } from '../protocol/index.ts';
import type { InputOf, OutputOf, StandardSchema } from './shared/standard-schema.ts';
import type { Deletion, Quota } from './state/ledger.ts';

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

type Awaitable<T> = T | Promise<T>;
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

export interface RouteDefinition<
  Schema extends StandardSchema | undefined,
  Context extends Owner,
  Data,
  Metadata = OutputOf<Schema>,
> {
  /**
   * The rules for one file. `maxBytes` has no default: a route without it does not start.
   * @example { contentTypes: ['image/*'], maxBytes: 5 * MiB }
   */
  limits: Limits;
  /**
   * The schema of the client's metadata: any Standard Schema (valibot, zod, arktype). Callbacks get its parsed output,
   * which must be JSON.
   * @default the route takes no metadata @example v.object({ albumId: v.string() })
   */
  metadata?: Schema;
  /**
   * Returns the owner as `{ ownerId }`, with other fields that your callbacks need, or null for an unknown user (401).
   * It runs on every call. For a public route use `authorize: anyone`.
   * @example async ({ request }) => session(request.header('cookie'))
   */
  authorize: Authorize<Context, Metadata>;
  /**
   * Decides whether this request may see that file. `false` answers as for a file that does not exist.
   * @default the owner only; on a route for `anyone`, any client that has the URL
   * @example ({ ownerId, request }) => isFriend(request, ownerId)
   */
  authorizeView?: (input: StoredFileInput) => Awaitable<boolean>;
  /**
   * Decides whether this request may delete that file. `false` answers as for a file that does not exist.
   * @default the owner only; on a route for `anyone`, no client @example ({ request }) => isAdmin(request)
   */
  authorizeDelete?: (input: StoredFileInput) => Awaitable<boolean>;
  /**
   * Opens the call that lists files of this route. `'owner'`: each owner lists their own. A function decides whether
   * this request may list the files of that owner; `false` answers `forbidden`. On a route with `key` it needs a
   * ledger.
   * @default no client can list files @example 'owner'
   */
  authorizeList?: 'owner' | ((input: ListInput) => Awaitable<boolean>);
  /**
   * Opens the call that renames a file of this route. `'owner'`: each owner renames their own. A function decides
   * whether this request may rename that file; `false` answers as for a file that does not exist. Needs a ledger.
   * @default no client can rename files @example 'owner'
   */
  authorizeRename?: 'owner' | ((input: RenameInput) => Awaitable<boolean>);
  /**
   * The object's key in the bucket. Two uploads can get the same key: see `replace`.
   * @default `<route>/<ownerId>/<uploadId>.<extension>` @example ({ ownerId, uploadId }) =>
   * `photos/${ownerId}/${uploadId}`
   */
  key?: (input: KeyInput<Metadata, Context>) => Awaitable<string>;
  /**
   * What happens when `key` returns a key that has a file. `false` refuses the upload with `upload_conflict`, if
   * possible before the bytes are sent. `true` replaces the file once the new one has been verified; until then the old
   * one stays. The `url` of a replaced file answers `upload_not_found`. With a ledger its upload becomes `deleted` and
   * gives its quota back; until then both files count. Needs `key`; not together with `dedupe`.
   * @default false @example true
   */
  replace?: boolean;
  /**
   * Reads the staged object and may reject it: return `{ reject: 'reason' }`, which the client gets. It runs before the
   * object leaves staging. When it throws, the client gets `callback_failed` and may complete again.
   * @default none
   * @example async ({ stream }) => ((await scan(await stream())) ? undefined : { reject: 'Virus found.' })
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: a function without a return accepts
  inspect?: (input: InspectInput<Metadata>) => Awaitable<undefined | { reject: string } | void>;
  /**
   * Runs once the file is stored and verified. The client gets its result as `data`, in JSON: a BigInt becomes its
   * decimal digits in a string, and a result that JSON cannot hold (a cycle) becomes null with the event
   * `callback.data_dropped`. The callback never gets the request, because a completion may come from a storage event.
   * When it throws, the client gets `callback_failed`, and the callback runs again at the next attempt. Once it has
   * returned, it does not run again for this upload.
   * @default none: `data` is null @example async ({ file, ownerId }) => db.addFile(ownerId, file.key)
   */
  onComplete?: (input: CompleteInput<Metadata>) => Awaitable<Data>;
  /**
   * Runs after an upload was rejected: its size, checksum or content was not what was granted, or `inspect` or the
   * quota refused it. With a ledger it runs at least once: when it throws or its process dies, the sweep runs it again.
   * Without a ledger the process that rejects the upload calls it once, and nothing repeats it. The upload stays
   * rejected and its quota is free, even when the callback throws. The client is answered after the first run.
   * @default none @example async ({ uploadId, code }) => db.markFailed(uploadId, code)
   */
  onReject?: (input: RejectInput<Metadata>) => Awaitable<unknown>;
  /**
   * Runs after the sweep has recorded an upload as expired: it was granted, and not all of its bytes arrived in time.
   * It runs at least once, as `onReject`, and not when the client aborted the upload. Bytes that arrive even later can
   * still complete the upload, and `onComplete` runs then. Needs a ledger.
   * @default none @example async ({ uploadId }) => db.removePlaceholder(uploadId)
   */
  onExpire?: (input: ExpireInput<Metadata>) => Awaitable<unknown>;
  /**
   * Runs after a stored file of this route was deleted through Waybill: by a client, by `uploads.deleteFile()`, or by a
   * later upload that replaced it. `reason` and `actor` say why, and who did it. It runs at least once, as `onReject`.
   * Needs a ledger.
   * @default none @example async ({ uploadId, actor }) => db.removeFile(uploadId, actor)
   */
  onDelete?: (input: DeleteInput<Metadata>) => Awaitable<unknown>;
  /**
   * `checksum`: a grant is for exactly these bytes. `size-only`: a grant is for any bytes of this size and type, for
   * clients that cannot hash. @default 'checksum' @example 'size-only'
   */
  integrity?: 'checksum' | 'size-only';
  /**
   * The quota of one owner on this route, or a function of what `authorize` returned, for different plans.
   * Needs a ledger. On a route for `anyone` it counts by address and needs `clientAddress`.
   * @default no limit @example ({ plan }) => (plan === 'pro' ? { maxBytes: 100 * GiB } : { maxBytes: 1 * GiB })
   */
  quota?: Quota | ((context: Context) => Quota | null);
  /**
   * A file whose SHA-256 the same owner already stored on this route is not sent again: the new upload is completed at
   * once and shares the object, which is deleted with the last upload that shares it. Each upload counts with its size.
   * Needs a ledger.
   * @default false @example true
   */
  dedupe?: boolean;
  /**
   * The `Cache-Control` header that is stored with the object.
   * @default 'private, max-age=86400, immutable' @example 'private, max-age=300'
   */
  cacheControl?: string;
}

/** A checked route. Clients infer their types from it, see `protocol/typed.ts`. */
export interface Route<Types extends RouteTypes = RouteTypes> {
  /** Never set at run time. */
  readonly $types?: Types;
  /** @internal */
  readonly definition: ErasedDefinition;
}

/** A definition without the types of the app. Apps do not need it, but other declarations refer to it. */
export type ErasedDefinition = RouteDefinition<StandardSchema | undefined, Owner, unknown, unknown>;

export type RouteTypesOf<Schema, Data> = {
  metadata: InputOf<Schema>;
  data: Awaited<Data>;
};
