/**
 * Everything that comes after a grant: complete, abort, view, delete. Loaded with the first such call, because a server
 * that starts cold (a function in the cloud) answers its first grant sooner without it.
 */
import type { PresignedRequest } from '../../protocol/index.ts';
import { loadOnce } from '../../s3/load-once.ts';
import { type Failure, isFailure, stagingKeyOf } from '../grants/grant-uploads.ts';
import type { OpenedGrant } from '../grants/grants.ts';
import { createMultiparts, type Multiparts } from '../grants/multipart.ts';
import { type LaterAction, openGrants } from '../grants/open-grants.ts';
import { batchAnswer, mapLimited } from '../http/batch-response.ts';
import { type Call, jsonBody } from '../http/call.ts';
import { requireAllowedOrigin } from '../http/origins.ts';
import { type PlainResponse, RequestView } from '../http/plain-request.ts';
import { json } from '../http/responses.ts';
import {
  parseCompleteRequest,
  parseGrantsRequest,
  parseListPartsRequest,
  parseSignPartsRequest,
} from '../http/wire-schema.ts';
import type { Room } from '../services.ts';
import { createRecords, withMetadata } from '../state/create-state.ts';
import type { UploadRecord } from '../state/ledger.ts';
import { openedOf } from '../state/ledger-state.ts';
import type { StorageEventResult } from '../storage-events/index.ts';
import type { SweepOptions, SweepReport } from '../sweep/report.ts';
import { type PresignViewOptions, presignView, readAllowed, view } from '../views/views.ts';
import { abortUpload } from './abort.ts';
import { type Completed, type CompleteUpload, type Completing, createCompletion } from './complete.ts';
import { createKeyLocks } from './key-locks.ts';
import { discard } from './lease.ts';
import { createLeftovers } from './staged-cleanup.ts';
import { closeStaging, leavesSeal } from './staging.ts';

export interface Later {
  complete: CompleteUpload;
  abort(opened: OpenedGrant): Promise<void>;
  beginMultipart: Multiparts['begin'];
  /** True when it was there. */
  deleteFile(file: { key: string; uploadId?: string | undefined }, route: string | null): Promise<boolean>;
  /** As events say it, from someone who is trusted. */
  handleStorageEvent(event: unknown): Promise<StorageEventResult>;
  /** Resolves when no completion is under way. */
  idle(): Promise<void>;
  sweep(options?: SweepOptions): Promise<SweepReport>;
  /** Clears up behind an upload of the ledger that has ended without a file, and gives its reservation back. */
  discardRecord(record: UploadRecord): Promise<void>;
  /** Whether the staging key of this upload holds an empty object until its request has expired, see `staging.ts`. */
  leavesSeal(record: UploadRecord): boolean;
  /** Empties the object at that key. */
  sealRecord(record: UploadRecord): Promise<void>;
  /** Goes on with an upload of the ledger, wherever it stopped. */
  completeRecord(record: UploadRecord): Promise<Completed | Completing>;
  presignView(key: string, options: PresignViewOptions): Promise<PresignedRequest>;
  /** By the receipt of a staged object, or by the sidecar of its parts. */
  completeObject(stagedKey: string): Promise<Completed | Completing | null>;
  operations: Record<
    'parts' | 'list' | 'complete' | 'abort' | 'view' | 'delete' | 'event',
    (call: Call) => Promise<PlainResponse>
  >;
}

const parallelCompletions = 8;

export function createLater(room: Room): Later {
  const { config, grants, refs, emit, viewUrl } = room;
  const { storage, stagingPrefix } = config;
  const records = createRecords(room);
  const { markers, sidecars, erase } = records;
  const keyLocks = createKeyLocks(config);
  const multiparts = createMultiparts(room, { markers, sidecars });
  const completion = createCompletion({ config, markers, sidecars, emit, grants, keyLocks, records, viewUrl });
  const { settled } = completion;

  const complete: CompleteUpload = async (opened, ...more) =>
    completion.complete(await withMetadata(config.ledger, opened), ...more);

  const abort = (opened: OpenedGrant) => abortUpload({ config, markers, sidecars, emit, settled }, opened);

  async function deleteFile(file: { key: string; uploadId?: string | undefined }, route: string | null) {
    const deleted = await erase(file);
    if (deleted) emit?.('file.deleted', { route, key: file.key });
    return deleted;
  }

  /** Of a multipart upload whose client went away. Of a stream nobody else knows where it ends. */
  async function completeParts(stagedKey: string): Promise<Completed | Completing | null> {
    const uploadId = stagedKey.slice(stagingPrefix.length);
    const opened = /^[0-9a-f]{32}$/.test(uploadId) ? await sidecars.read(uploadId) : null;
    if (!opened || opened.claims.size === null || opened.claims.partSize === null) return null;
    const { uploads } = await storage.listMultiparts({ prefix: stagedKey });
    const own = uploads.find(({ key }) => key === stagedKey);
    return own ? complete({ ...opened, multipart: { multipartId: own.multipartId, expiresAt: 0 } }) : null;
  }

  const storageEvents = loadOnce(async () => {
    const events = await import('../storage-events/index.ts');
    return events.createStorageEvents(room, later);
  });

  const later: Later = {
    complete,
    abort,
    sweep: async (options) =>
      (await import('../sweep/index.ts')).sweepUploads(room, later, { markers, sidecars }, options),
    idle: completion.idle,
    handleStorageEvent: async (event) => (await storageEvents()).handle(event),
    beginMultipart: multiparts.begin,
    deleteFile,
    discardRecord: (record) => discard({ config, sidecars }, openedOf(record)),
    leavesSeal: (record) => leavesSeal(config, openedOf(record).claims),
    sealRecord: async (record) => {
      await closeStaging(config, openedOf(record).claims);
    },
    completeRecord: (record) => complete(openedOf(record)),
    presignView: (key, options) => presignView(config, key, options),

    async completeObject(stagedKey) {
      if (!stagedKey.startsWith(stagingPrefix)) return null;
      const info = await storage.head(stagedKey);
      if (!info) return completeParts(stagedKey);
      const receipt = info.metadata.waybill;
      const opened = receipt === undefined ? null : grants.openReceipt(receipt);
      if (!opened || stagingKeyOf(config, opened.claims.uploadId) !== stagedKey) return null;
      return complete(opened);
    },

    operations: {
      async parts(call) {
        const request = parseSignPartsRequest(await jsonBody(room, call));
        const opened = await openOne(room, call, request.grant);
        return batchAnswer('parts', await multiparts.sign(opened, request), call);
      },

      async list(call) {
        const { grant } = parseListPartsRequest(await jsonBody(room, call));
        const opened = await openOne(room, call, grant);
        return json(200, await multiparts.list(opened, grant));
      },

      async complete(call) {
        const { grants: sent } = parseCompleteRequest(await jsonBody(room, call));
        const texts = sent.map((one) => (typeof one === 'string' ? one : one.grant));
        // Of a single one the delete goes beside the record, and nobody waits for it.
        const leftovers = sent.length > 1 ? createLeftovers(storage) : undefined;
        const items = await eachGrant(room, call, texts, 'complete', (opened, index) => {
          const one = sent[index];
          const said = typeof one === 'object' ? one : {};
          return withinPatience(
            config.completionWaitSeconds,
            opened.claims.uploadId,
            complete(opened, said, leftovers),
          );
        });
        await leftovers?.clear();
        return batchAnswer('results', items, call);
      },

      async abort(call) {
        const { grants: texts } = parseGrantsRequest(await jsonBody(room, call));
        const items = await eachGrant(room, call, texts, 'abort', async (opened) => {
          await abort(opened);
          return { uploadId: opened.claims.uploadId, aborted: true as const };
        });
        return batchAnswer('results', items, call);
      },

      event: async (call) => (await storageEvents()).receive(call),

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
        await deleteFile(ref, ref.route);
        return { status: 204, headers: { 'cache-control': 'no-store' }, body: '' };
      },
    },
  };
  return later;
}

async function openOne(room: Room, call: Call, grant: string): Promise<OpenedGrant> {
  const [opened] = await openGrants(room, new RequestView(call.request), [grant], 'parts');
  if (!opened || isFailure(opened)) throw opened?.failure;
  return opened;
}

async function eachGrant<T extends object>(
  room: Room,
  call: Call,
  texts: readonly string[],
  action: LaterAction,
  work: (opened: OpenedGrant, index: number) => Promise<T>,
): Promise<(T | Failure)[]> {
  const opened = await openGrants(room, new RequestView(call.request), texts, action);
  return mapLimited([...opened.entries()], parallelCompletions, async ([index, one]) => {
    if (isFailure(one)) return one;
    try {
      return await work(one, index);
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
