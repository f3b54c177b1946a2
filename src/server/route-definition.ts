/** What an app writes for a route: its rules and its callbacks. callback-inputs.ts has what the callbacks get. */
import type { Limits, RouteTypes } from '../protocol/index.ts';
import type {
  Authorize,
  Awaitable,
  CompleteInput,
  DeleteInput,
  ExpireInput,
  InspectInput,
  KeyInput,
  ListInput,
  Owner,
  RejectInput,
  RenameInput,
  StoredFileInput,
} from './callback-inputs.ts';
import type { InputOf, OutputOf, StandardSchema } from './shared/standard-schema.ts';
import type { Quota } from './state/ledger.ts';

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
