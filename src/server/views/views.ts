import { isContentType, type PresignedRequest, type ViewResponse, WaybillError } from '../../protocol/index.ts';
import type { ObjectInfo, PresignGetOptions } from '../../s3/index.ts';
import { authorize, notFound, requireOwner } from '../authorize.ts';
import type { Action, CallbackRequest, StoredFileInput } from '../callback-inputs.ts';
import type { Config, ResolvedRoute } from '../config.ts';
import { findBrokenKeyRule } from '../grants/keys.ts';
import { hasCharset, isCharset, splitCharset, withCharset } from '../shared/charset.ts';
import { contentDisposition, isInlineAnywhere, isInlineOnStorageOrigin } from '../shared/disposition.ts';
import { findStored } from './find-stored.ts';
import type { ViewRef, ViewRefs } from './view-refs.ts';

export interface View extends ViewResponse {
  /** Seconds for which the redirect may be cached, which is less than its URL is valid. */
  maxAgeSeconds: number;
  ref: ViewRef;
}

export interface ViewOptions {
  /** Whether browsers save the file instead of displaying it. */
  download: boolean;
  method: 'GET' | 'HEAD';
  /** The host that the request came to. */
  host: string | undefined;
}

/**
 * Checks who may see the file, and returns a short-lived URL of the storage. The signing time is rounded down to half
 * of the validity of the URL, so that the URL repeats and browsers can cache it.
 *
 * @throws {WaybillError} `upload_not_found` for a wrong ref, a missing route and someone else's file alike
 */
export async function view(
  config: Config,
  refs: ViewRefs,
  request: CallbackRequest,
  text: string,
  options: ViewOptions,
): Promise<View> {
  const { ref, route } = await openViewRef(config, refs, request, text, 'view');
  const found = await findStored(config, route, ref);
  if (!found) throw notFound();
  const { storage, now } = config;
  const waiting = storage.ready();
  if (waiting) await waiting;
  const nowMs = now();
  const expiresInSeconds = Math.min(config.viewExpiresInSeconds, chooseMaxSeconds(route, ref));
  const windowMs = Math.max(1000, (expiresInSeconds * 1000) / 2);
  const signedAt = Math.floor(nowMs / windowMs) * windowMs;
  const read: PresignGetOptions = {
    key: ref.key,
    expiresInSeconds,
    signedAt,
    ...chooseViewHeaders(config, ref, found.info, options),
  };
  const presigned = options.method === 'HEAD' ? storage.presignHead(read) : storage.presignGet(read);
  const leftMs = Date.parse(presigned.expiresAt) - nowMs;
  const maxAgeSeconds = Math.max(0, Math.floor(Math.min(expiresInSeconds / 4, leftMs / 2000)));
  return { url: presigned.url, expiresAt: presigned.expiresAt, maxAgeSeconds, ref };
}

/**
 * A URL of the storage names only a key, and stays valid after its object was checked. Where another upload may get the
 * same key after this file was deleted, the URL is therefore valid for a short time only.
 */
const reusableKeySeconds = 300;

function chooseMaxSeconds({ definition }: ResolvedRoute, { key, uploadId }: ViewRef): number {
  return !definition.key || key.includes(uploadId) ? Number.POSITIVE_INFINITY : reusableKeySeconds;
}

/**
 * Chooses the content type and the disposition of the response. Both come from the reference, so that they always
 * belong to the same file. A PDF is shown inline only when the storage has another origin than the app. With
 * `?download=1` every file is saved.
 */
function chooseViewHeaders(
  config: Config,
  { contentType, charset, fileName }: ViewRef,
  info: ObjectInfo | null,
  options: ViewOptions,
): Pick<PresignGetOptions, 'contentType' | 'contentDisposition'> {
  const known = isContentType(contentType) ? contentType : 'application/octet-stream';
  const inline =
    !options.download &&
    (isInlineAnywhere(known) || (isInlineOnStorageOrigin(known) && !isOwnHost(config, options.host)));
  const stored = info && splitCharset(info.contentType);
  const ofObject = stored?.contentType === known ? stored.charset : undefined;
  const encoding = isCharset(charset) ? charset : ofObject;
  return {
    contentType: hasCharset(known) ? withCharset(known, encoding) : known,
    contentDisposition: contentDisposition(inline ? 'inline' : 'attachment', fileName),
  };
}

/** Whether the storage has the same host as the app. */
function isOwnHost({ storage, publicHost }: Config, host: string | undefined): boolean {
  const storageHost = new URL(storage.publicOrigin).host;
  return storageHost === host || storageHost === publicHost;
}

export interface OpenedRef {
  ref: ViewRef;
  route: ResolvedRoute;
  /** As in `Deletion.actor`. */
  actor: string | null;
}

/**
 * Opens a view reference and checks that the request may view or delete its file. `actor` is the owner who sent the
 * request, or null when a callback of the route has decided or everyone may view the file.
 */
export async function openViewRef(
  config: Config,
  refs: ViewRefs,
  request: CallbackRequest,
  text: string,
  action: Extract<Action, 'view' | 'delete'>,
): Promise<OpenedRef> {
  const { ref, route, input } = readViewRef(config, refs, request, text);
  const { authorizeView, authorizeDelete } = route.definition;
  const decide = action === 'view' ? authorizeView : authorizeDelete;
  if (decide) {
    if (!(await decide(input))) throw notFound();
    return { ref, route, actor: null };
  }
  if (route.public) {
    // The URL cannot be guessed, so everyone who has it may view the file. It is shared, so it must not allow a delete.
    if (action === 'view') return { ref, route, actor: null };
    throw new WaybillError('forbidden', 'Files of this kind cannot be deleted here.', {
      details: { hint: 'The route is for `anyone`: set `authorizeDelete` to say who may delete.' },
    });
  }
  await requireOwnerOfFile(route, request, action, ref);
  return { ref, route, actor: ref.ownerId };
}

/**
 * Opens a view reference and checks that the request may rename its file. A route that does not open this call answers
 * as for a file that does not exist.
 */
export async function openRefToRename(
  config: Config,
  refs: ViewRefs,
  request: CallbackRequest,
  text: string,
  newFileName: string,
): Promise<OpenedRef> {
  const { ref, route, input } = readViewRef(config, refs, request, text);
  const { authorizeRename } = route.definition;
  if (!authorizeRename) throw notFound();
  if (authorizeRename === 'owner') {
    await requireOwnerOfFile(route, request, 'rename', ref);
    return { ref, route, actor: ref.ownerId };
  }
  if (!(await authorizeRename({ ...input, newFileName }))) throw notFound();
  return { ref, route, actor: null };
}

function readViewRef({ routes }: Config, refs: ViewRefs, request: CallbackRequest, text: string) {
  const ref = refs.read(text);
  const route = ref && routes.get(ref.route);
  if (!ref || !route) throw notFound();
  const { ownerId, uploadId, key, fileName } = ref;
  const input: StoredFileInput = { request, route: ref.route, ownerId, uploadId, key, fileName };
  return { ref, route, input };
}

async function requireOwnerOfFile(
  route: ResolvedRoute,
  request: CallbackRequest,
  action: Action,
  ref: ViewRef,
): Promise<void> {
  const owner = await authorize(route, request, action, [{ fileName: ref.fileName }]);
  requireOwner(route, owner, ref.ownerId);
}

export interface PresignViewOptions {
  /** How long the link works, in seconds, from 1 to 604,800. @example 3_600 */
  expiresInSeconds: number;
  /** Save under this name instead of displaying. @default the headers of the object decide @example 'report.pdf' */
  download?: string;
}

/** @throws {WaybillError} `invalid_request` for an invalid key or time */
export async function presignView(
  { storage, stagingPrefix }: Config,
  key: string,
  { expiresInSeconds, download }: PresignViewOptions,
): Promise<PresignedRequest> {
  const rule = findBrokenKeyRule(key, stagingPrefix);
  if (rule) throw new WaybillError('invalid_request', `This key cannot be viewed: ${rule}.`);
  if (!Number.isSafeInteger(expiresInSeconds) || expiresInSeconds < 1 || expiresInSeconds > 604_800)
    throw new WaybillError('invalid_request', '`expiresInSeconds` is a whole number from 1 to 604,800 (7 days).');
  const waiting = storage.ready();
  if (waiting) await waiting;
  const saved = download === undefined ? {} : { contentDisposition: contentDisposition('attachment', download) };
  return storage.presignGet({ key, expiresInSeconds, ...saved });
}
