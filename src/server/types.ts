/** What an app writes: a route's rules and callbacks, and what those are given. */
import type { FileDeclaration, Limits, RouteTypes, StoredFile } from '../protocol/index.ts';
import type { InputOf, OutputOf, StandardSchema } from './shared/standard-schema.ts';
import type { Quota } from './state/ledger.ts';

/** The request as `authorize` sees it, whichever server it came through. */
export interface CallbackRequest {
  readonly method: string;
  /** Percent-encoded, without the query. */
  readonly path: string;
  /** Names are case-insensitive. */
  header(name: string): string | undefined;
  /** Made when first asked for: {@link CallbackRequest.header} costs less. */
  readonly headers: Headers;
  /** The framework's own request: a Fetch `Request`, node's `IncomingMessage`, Express's `req`. */
  readonly raw: unknown;
}

/** Who sends, and whatever else the `key` callback wants to know. */
export interface Owner {
  /** One safe segment of a key: no `/`, not `.` or `..`, at most 128 bytes. */
  ownerId: string;
}

/** `parts`: to sign requests for parts, or to list those that arrived and go on. */
export type Action = 'grant' | 'parts' | 'complete' | 'abort' | 'view' | 'delete';

export interface AuthorizeInput<Metadata = unknown> {
  /** The request: `header(name)`, `headers`, `method`, `path`, and `raw`, the framework's own request. */
  request: CallbackRequest;
  /** The route's name. */
  route: string;
  /** What is asked for: `grant`, `parts`, `complete`, `abort`, `view` or `delete`. */
  action: Action;
  /**
   * The declared files; for a view or a delete the one stored file's name. Nothing has been signed yet. A file whose
   * metadata the schema refuses is not among them: it is answered with `invalid_request`.
   */
  files: readonly AuthorizeFile<Metadata>[];
}

export interface AuthorizeFile<Metadata = unknown> extends Pick<FileDeclaration, 'fileName'> {
  /** Bytes; null for a stream, absent for a view or a delete. */
  size?: number | null;
  contentType?: string;
  /** The client's metadata, as the schema parsed it; absent for a view or a delete. */
  metadata?: Metadata;
}

type Awaitable<T> = T | Promise<T>;
type Nobody = null | undefined | false | '' | 0;

/**
 * Returns who sends, or nothing for nobody (401). Throw `new WaybillError('forbidden', ...)` to refuse someone known.
 * Runs again on every later call: only the same owner completes, aborts, views or deletes.
 */
export type Authorize<Context extends Owner, Metadata = unknown> = (
  input: AuthorizeInput<Metadata>,
) => Awaitable<Context | Nobody>;

export interface KeyInput<Metadata, Context> {
  /** The route's name. */
  route: string;
  /** As `authorize` returned it. */
  ownerId: string;
  /** Unique, chosen by the server. A key that contains it never comes again. */
  uploadId: string;
  /** Lower case, without the dot; empty when the name has none that is safe for the type. */
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
  /** What is known of the file before it is stored. */
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
  /** The same upload may come twice when a process dies: make what you do idempotent on this. */
  uploadId: string;
  /** The client's metadata, as the schema parsed it. */
  metadata: Metadata;
}

export interface StoredFileInput {
  request: CallbackRequest;
  route: string;
  /** Whose file it is. */
  ownerId: string;
  uploadId: string;
  key: string;
  fileName: string;
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
   * Returns who sends, as `{ ownerId }` and what else your callbacks need, or null for an unknown sender (401). Runs on
   * every call. A public route says `authorize: anyone`.
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
   * The object's key in the bucket. Two uploads can get the same key: see `replace`.
   * @default `<route>/<ownerId>/<uploadId>.<extension>` @example ({ ownerId, uploadId }) =>
   * `photos/${ownerId}/${uploadId}`
   */
  key?: (input: KeyInput<Metadata, Context>) => Awaitable<string>;
  /**
   * What happens when `key` returns a key that has a file: `false` refuses the upload with `upload_conflict`, when it
   * can before the bytes are sent. `true` replaces the file, once the new one has been verified; until then the old one
   * stays. The `url` of a replaced file answers `upload_not_found`, and with a ledger its upload is `deleted` and gives
   * its quota back, of which both need room for a moment. Needs `key`; not together with `dedupe`.
   * @default false @example true
   */
  replace?: boolean;
  /**
   * Reads the stored object and may refuse it: return `{ reject: 'why' }`, which the client is shown. It runs before
   * the object leaves staging. When it throws, the client gets `callback_failed` and may ask again.
   * @default none
   * @example async ({ stream }) => ((await scan(await stream())) ? undefined : { reject: 'Virus found.' })
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: a function without a return accepts
  inspect?: (input: InspectInput<Metadata>) => Awaitable<undefined | { reject: string } | void>;
  /**
   * Runs once the file is stored and verified. What it returns reaches the client as `data`, as JSON: a BigInt becomes
   * its decimal digits in a string, and a result that JSON cannot hold (a cycle) becomes null with the event
   * `callback.data_dropped`. It never gets the request, because a completion may come from a storage event. When it
   * throws, the client gets `callback_failed` and the callback runs again on the next try; once it has returned, it is
   * not run again for this upload.
   * @default none: `data` is null @example async ({ file, ownerId }) => db.addFile(ownerId, file.key)
   */
  onComplete?: (input: CompleteInput<Metadata>) => Awaitable<Data>;
  /**
   * `checksum`: a permission is for exactly these bytes. `size-only`: for any bytes of this size and type, for clients
   * that cannot hash. @default 'checksum' @example 'size-only'
   */
  integrity?: 'checksum' | 'size-only';
  /**
   * What one owner may have on this route, or a function of what `authorize` returned, for plans of different sizes.
   * Needs a ledger. On a route for `anyone` it counts by address and needs `clientAddress`.
   * @default no limit @example ({ plan }) => (plan === 'pro' ? { maxBytes: 100 * GiB } : { maxBytes: 1 * GiB })
   */
  quota?: Quota | ((context: Context) => Quota | null);
  /**
   * A file whose SHA-256 the same owner already stored on this route is not sent again: the new upload is done at once
   * and shares the object, which is deleted with the last of them. Each counts with its size. Needs a ledger.
   * @default false @example true
   */
  dedupe?: boolean;
  /**
   * The `Cache-Control` header that is stored with the object.
   * @default 'private, max-age=86400, immutable' @example 'private, max-age=300'
   */
  cacheControl?: string;
}

/** A checked route; its types reach clients, see `protocol/typed.ts`. */
export interface Route<Types extends RouteTypes = RouteTypes> {
  /** Never set at run time. */
  readonly $types?: Types;
  /** @internal */
  readonly definition: ErasedDefinition;
}

/** What is inside does not know the types of the app. Not for apps, but other declarations name it. */
export type ErasedDefinition = RouteDefinition<StandardSchema | undefined, Owner, unknown, unknown>;

export type RouteTypesOf<Schema, Data> = {
  metadata: InputOf<Schema>;
  data: Awaited<Data>;
};
