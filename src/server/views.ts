import { type PresignedRequest, type ViewResponse, WaybillError } from '../protocol/index.ts';
import type { PresignGetOptions } from '../s3/types.ts';
import { authorize, notFound, requireOwner } from './authorize.ts';
import type { Config, ResolvedRoute } from './config.ts';
import { contentDisposition, inlineAnywhere, inlineOnStorageOrigin } from './disposition.ts';
import { brokenKeyRule } from './keys.ts';
import type { Action, CallbackRequest, StoredFileInput } from './types.ts';
import type { ViewRef, ViewRefs } from './view-refs.ts';

export interface View extends ViewResponse {
  /** Seconds for which the redirect may be cached: well within the life of the URL it leads to. */
  maxAgeSeconds: number;
  ref: ViewRef;
}

export interface ViewOptions {
  /** Save instead of show. */
  download: boolean;
  method: 'GET' | 'HEAD';
  /** The host that the request came to. */
  host: string | undefined;
}

/**
 * Who may see it, then a short-lived URL at the storage. The signing time is rounded down to half the URL's life, so
 * that within it the URL repeats and a browser's cache works.
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
  const { ref } = await readAllowed(config, refs, request, text, 'view');
  const { storage, viewExpiresInSeconds, now } = config;
  const waiting = storage.ready();
  if (waiting) await waiting;
  const nowMs = now();
  const expiresInSeconds = viewExpiresInSeconds;
  const windowMs = Math.max(1000, (expiresInSeconds * 1000) / 2);
  const signedAt = Math.floor(nowMs / windowMs) * windowMs;
  let presigned: PresignedRequest;
  if (options.method === 'HEAD') presigned = storage.presignHead({ key: ref.key, expiresInSeconds });
  else
    presigned = storage.presignGet({
      key: ref.key,
      expiresInSeconds,
      signedAt,
      ...shownAs(config, ref, options),
    });
  const leftMs = Date.parse(presigned.expiresAt) - nowMs;
  const maxAgeSeconds = Math.max(0, Math.floor(Math.min(expiresInSeconds / 4, leftMs / 2000)));
  return { url: presigned.url, expiresAt: presigned.expiresAt, maxAgeSeconds, ref };
}

/**
 * A stored object says itself whether it is shown or saved, by the strictest rule. A view may loosen that for types
 * that are safe on an origin which is not the app's (PDF), and tighten it for `?download=1`.
 */
function shownAs(config: Config, ref: ViewRef, options: ViewOptions): Pick<PresignGetOptions, 'contentDisposition'> {
  const { storage } = config;
  if (options.download) return { contentDisposition: contentDisposition('attachment', ref.fileName) };
  const { contentType, fileName } = ref;
  if (inlineAnywhere(contentType) || !inlineOnStorageOrigin(contentType)) return {};
  const storageHost = new URL(storage.publicOrigin).host;
  if (storageHost === options.host || storageHost === config.publicHost) return {};
  return { contentDisposition: contentDisposition('inline', fileName) };
}

/** The file that a view URL names, for whoever may do that with it. */
export async function readAllowed(
  config: Config,
  refs: ViewRefs,
  request: CallbackRequest,
  text: string,
  action: Extract<Action, 'view' | 'delete'>,
): Promise<{ ref: ViewRef; route: ResolvedRoute }> {
  const ref = refs.read(text);
  const route = ref && config.routes.get(ref.route);
  if (!ref || !route) throw notFound();
  const { uploadId, ...facts } = ref;
  // Deleting one of several that share an object leaves the object.
  if (uploadId !== undefined && (await config.ledger?.find(uploadId))?.state !== 'completed') throw notFound();
  const input: StoredFileInput = { request, ...facts };
  const { authorizeView, authorizeDelete } = route.definition;
  const decide = action === 'view' ? authorizeView : authorizeDelete;
  if (decide) {
    if (!(await decide(input))) throw notFound();
    return { ref, route };
  }
  if (route.public) {
    // The URL cannot be guessed: who has it may look. It is handed around, so it must not delete.
    if (action === 'view') return { ref, route };
    throw new WaybillError('forbidden', 'Nobody may delete files of this route.');
  }
  const owner = await authorize(route, request, action, [{ fileName: ref.fileName }]);
  requireOwner(route, owner, ref.ownerId);
  return { ref, route };
}

export interface PresignViewOptions {
  /** 1 to 604,800. */
  expiresInSeconds: number;
  /** Save under this name instead of showing. */
  download?: string;
}

/** @throws {WaybillError} `invalid_request` for a key or a time that cannot be */
export async function presignView(
  { storage, stagingPrefix }: Config,
  key: string,
  { expiresInSeconds, download }: PresignViewOptions,
): Promise<PresignedRequest> {
  const rule = brokenKeyRule(key, stagingPrefix);
  if (rule) throw new WaybillError('invalid_request', `This key cannot be viewed: ${rule}.`);
  if (!Number.isSafeInteger(expiresInSeconds) || expiresInSeconds < 1 || expiresInSeconds > 604_800)
    throw new WaybillError('invalid_request', '`expiresInSeconds` is a whole number from 1 to 604,800 (7 days).');
  const waiting = storage.ready();
  if (waiting) await waiting;
  const saved = download === undefined ? {} : { contentDisposition: contentDisposition('attachment', download) };
  return storage.presignGet({ key, expiresInSeconds, ...saved });
}
