/**
 * Everything that comes after a grant: complete, abort, view, delete. Loaded with the first such call, because a server
 * that starts cold (a function in the cloud) answers its first grant sooner without it.
 */
import type { PresignedRequest } from '../protocol/index.ts';
import { abortUpload, deleteStored } from './abort.ts';
import { json } from './answers.ts';
import { batchAnswer, mapLimited } from './batch.ts';
import { type Call, jsonBody } from './call.ts';
import { type Completed, type CompleteUpload, type Completing, createCompletion } from './complete.ts';
import { type Failure, isFailure, stagingKeyOf } from './grant-uploads.ts';
import type { Claims, OpenedGrant } from './grants.ts';
import { createStorageMarkers } from './markers.ts';
import { openGrants } from './opened-grants.ts';
import { requireAllowedOrigin } from './origins.ts';
import { type PlainResponse, RequestView } from './plain.ts';
import type { Room } from './room.ts';
import { type PresignViewOptions, presignView, readAllowed, view } from './views.ts';
import { parseGrantsRequest } from './wire-schema.ts';

export interface Later {
  complete: CompleteUpload;
  abort(claims: Claims): Promise<void>;
  /** True when it was there. */
  deleteFile(key: string, route: string | null): Promise<boolean>;
  presignView(key: string, options: PresignViewOptions): Promise<PresignedRequest>;
  /** By the receipt of a staged object. */
  completeObject(stagedKey: string): Promise<Completed | Completing | null>;
  operations: Record<'complete' | 'abort' | 'view' | 'delete', (call: Call) => Promise<PlainResponse>>;
}

const parallelCompletions = 8;

export function createLater(room: Room): Later {
  const { config, grants, refs, random, emit, viewUrl } = room;
  const { storage, stagingPrefix } = config;
  const markers = createStorageMarkers({ storage, stagingPrefix, random });
  const { complete, settled } = createCompletion({ config, markers, emit, viewUrl });
  const abort = (claims: Claims) => abortUpload({ config, markers, emit, settled }, claims);

  async function deleteFile(key: string, route: string | null): Promise<boolean> {
    const deleted = await deleteStored(storage, markers, key);
    if (deleted) emit?.('file.deleted', { route, key });
    return deleted;
  }

  return {
    complete,
    abort,
    deleteFile,
    presignView: (key, options) => presignView(config, key, options),

    async completeObject(stagedKey) {
      if (!stagedKey.startsWith(stagingPrefix)) return null;
      const info = await storage.head(stagedKey);
      const receipt = info?.metadata.waybill;
      const opened = receipt === undefined ? null : grants.openReceipt(receipt);
      if (!opened || stagingKeyOf(config, opened.claims.uploadId) !== stagedKey) return null;
      return complete(opened);
    },

    operations: {
      async complete(call) {
        const items = await eachGrant(room, call, 'complete', (opened) =>
          withinPatience(config.completionWaitSeconds, opened.claims.uploadId, complete(opened)),
        );
        return batchAnswer('results', items, call);
      },

      async abort(call) {
        const items = await eachGrant(room, call, 'abort', async ({ claims }) => {
          await abort(claims);
          return { uploadId: claims.uploadId, aborted: true as const };
        });
        return batchAnswer('results', items, call);
      },

      async view(call) {
        const { request, target } = call;
        const query = new URLSearchParams(request.query);
        const found = await view(config, refs, new RequestView(request), target, {
          download: query.get('download') === '1',
          method: request.method === 'HEAD' ? 'HEAD' : 'GET',
          host: request.header('host'),
        });
        const { route, ownerId, key } = found.ref;
        emit?.('view.served', { route, ownerId, key });
        const answer: PlainResponse =
          query.get('as') === 'json'
            ? json(200, { url: found.url, expiresAt: found.expiresAt })
            : { status: 302, headers: { location: found.url, 'x-content-type-options': 'nosniff' }, body: '' };
        // Private: what one may see another may not. Vary: not after signing out either.
        answer.headers['cache-control'] = `private, max-age=${found.maxAgeSeconds}`;
        answer.headers.vary = 'cookie, authorization';
        answer.headers['referrer-policy'] = 'no-referrer';
        return answer;
      },

      async delete(call) {
        requireAllowedOrigin(config, call.request);
        const { ref } = await readAllowed(config, refs, new RequestView(call.request), call.target, 'delete');
        await deleteFile(ref.key, ref.route);
        return { status: 204, headers: { 'cache-control': 'no-store' }, body: '' };
      },
    },
  };
}

async function eachGrant<T extends object>(
  room: Room,
  call: Call,
  action: 'complete' | 'abort',
  work: (opened: OpenedGrant) => Promise<T>,
): Promise<(T | Failure)[]> {
  const { grants } = parseGrantsRequest(await jsonBody(room, call));
  const opened = await openGrants(room, new RequestView(call.request), grants, action);
  return mapLimited(opened, parallelCompletions, async (one) => {
    if (isFailure(one)) return one;
    try {
      return await work(one);
    } catch (failure) {
      return { failure };
    }
  });
}

/** A large copy outlives a request: it goes on, and the client comes again (DESIGN section 7, 8). */
async function withinPatience(
  seconds: number,
  uploadId: string,
  work: Promise<Completed | Completing>,
): Promise<Completed | Completing> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<Completing>((resolve) => {
    timer = setTimeout(() => resolve({ uploadId, completing: true, retryAfterSeconds: 2 }), seconds * 1000);
  });
  try {
    return await Promise.race([work, patience]);
  } finally {
    clearTimeout(timer);
    // When patience won, nobody waits for this promise any more; the next call meets its outcome.
    work.catch(() => {});
  }
}
