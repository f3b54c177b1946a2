/**
 * The operations after a grant: sign and list parts, complete, abort, view, delete, list and rename files, storage
 * events. They load with the first such request, so that a cold server answers its first grant sooner.
 */

import { isWaybillError } from '../../protocol/index.ts';
import { type Completed, type Completing, describeResult } from '../completion/result.ts';
import { createStagedCleanup } from '../completion/staged-cleanup.ts';
import type { Operation } from '../events.ts';
import { type LaterAction, openGrants } from '../grants/open-grants.ts';
import type { Services } from '../services.ts';
import { type Failure, isFailure } from '../shared/failure.ts';
import { mapLimited } from '../shared/map-limited.ts';
import type { OpenedGrant } from '../state/claims.ts';
import { createReceiveUpkeep } from '../upkeep-request.ts';
import { openViewRef, view } from '../views/views.ts';
import { batchResponse } from './batch-response.ts';
import { type Call, readJsonBody } from './call.ts';
import { createFileOperations } from './file-operations.ts';
import { requireAllowedOrigin } from './origins.ts';
import { type PlainResponse, RequestView } from './plain-request.ts';
import { readJsonOfAnyType } from './read-json.ts';
import { json } from './responses.ts';
import {
  parseCompleteRequest,
  parseGrantsRequest,
  parseListPartsRequest,
  parseSignPartsRequest,
} from './wire-schema.ts';

export type DeferredOperations = Record<
  Exclude<Operation, 'grant' | 'route' | 'preflight' | 'unknown'>,
  (call: Call) => Promise<PlainResponse>
>;

const parallelCompletions = 8;

export function createDeferredOperations(services: Services): DeferredOperations {
  const { config, refs, emit } = services;
  const { storage } = config;
  const receiveUpkeep = createReceiveUpkeep(services);
  return {
    ...createFileOperations(services),

    async parts(call) {
      const request = parseSignPartsRequest(await readJsonBody(services, call));
      const opened = await openOne(services, call, request.grant);
      const multiparts = await services.multiparts();
      return batchResponse('parts', await multiparts.sign(opened, request), call);
    },

    async list(call) {
      const { grant } = parseListPartsRequest(await readJsonBody(services, call));
      const opened = await openOne(services, call, grant);
      return json(200, await (await services.multiparts()).list(opened, grant));
    },

    async complete(call) {
      const { grants: sent } = parseCompleteRequest(await readJsonBody(services, call));
      const texts = sent.map((one) => (typeof one === 'string' ? one : one.grant));
      // The staged objects of several uploads are deleted together. A single one is deleted while its record is
      // written.
      const cleanup = sent.length > 1 ? createStagedCleanup(storage) : undefined;
      const { complete } = await services.completion();
      const items = await eachGrant(services, call, texts, 'complete', (opened, index) => {
        const one = sent[index];
        const report = typeof one === 'object' ? one : {};
        const completing = complete(opened, report, cleanup).then(describeResult);
        keepAlive(services, call, completing);
        return answerInTime(config.completionWaitSeconds, opened.claims.uploadId, completing);
      });
      await cleanup?.clear();
      return batchResponse('results', items, call);
    },

    async abort(call) {
      const { grants: texts } = parseGrantsRequest(await readJsonBody(services, call));
      const { abort } = await services.completion();
      const items = await eachGrant(services, call, texts, 'abort', async (opened) => {
        await abort(opened);
        return { uploadId: opened.claims.uploadId, aborted: true as const };
      });
      return batchResponse('results', items, call);
    },

    async event(call) {
      const { request } = call;
      const { receive } = await services.storageEvents();
      const result = await receive({
        header: (name) => request.header(name),
        query: request.query,
        readBody: () => readJsonOfAnyType(request, config.maxBodyBytes, call),
        countRefusal: async () => config.rateLimits?.address(new RequestView(request), call.operation, true),
      });
      keepAlive(services, call, services.idle());
      return json(200, result);
    },

    async upkeep(call) {
      const { request } = call;
      try {
        return json(200, await receiveUpkeep(request.header('authorization')));
      } catch (error) {
        if (isWaybillError(error) && error.code === 'unauthenticated')
          await config.rateLimits?.address(new RequestView(request), call.operation, true);
        throw error;
      }
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
      const response: PlainResponse =
        query.get('as') === 'json'
          ? json(200, { url: found.url, expiresAt: found.expiresAt })
          : { status: 302, headers: { location: found.url, 'x-content-type-options': 'nosniff' }, body: '' };
      // `private`: other users may not see the file. `vary`: neither may this browser after its user has signed out.
      response.headers['cache-control'] = `private, max-age=${found.maxAgeSeconds}`;
      response.headers.vary = 'cookie, authorization';
      response.headers['referrer-policy'] = 'no-referrer';
      return response;
    },

    async delete(call) {
      requireAllowedOrigin(config, call.request);
      const { ref, actor } = await openViewRef(config, refs, new RequestView(call.request), call.target, 'delete');
      const { deleteFile } = await services.completion();
      await deleteFile(ref, { reason: 'request', actor }, ref.route);
      return { status: 204, headers: { 'cache-control': 'no-store' }, body: '' };
    },
  };
}

/**
 * Without this, a platform that stops a function after its response, or when the client has gone, would stop a
 * completion. It would then wait until its lease has expired.
 */
function keepAlive({ config }: Services, { request }: Call, completion: Promise<unknown>): void {
  const ended = completion.catch(() => {});
  if (request.waitUntil) request.waitUntil(ended);
  else config.waitUntil?.(ended);
}

async function openOne(services: Services, call: Call, grant: string): Promise<OpenedGrant> {
  const [opened] = await openGrants(services, new RequestView(call.request), [grant], 'parts');
  if (!opened || isFailure(opened)) throw opened?.failure;
  return opened;
}

async function eachGrant<T extends object>(
  services: Services,
  call: Call,
  texts: readonly string[],
  action: LaterAction,
  work: (opened: OpenedGrant, index: number) => Promise<T>,
): Promise<(T | Failure)[]> {
  const opened = await openGrants(services, new RequestView(call.request), texts, action);
  return mapLimited([...opened.entries()], parallelCompletions, async ([index, one]) => {
    if (isFailure(one)) return one;
    try {
      return await work(one, index);
    } catch (failure) {
      return { failure };
    }
  });
}

/**
 * A large copy takes longer than a request may. The response is then 202, the copy goes on, and the client asks again.
 */
async function answerInTime(
  seconds: number,
  uploadId: string,
  completion: Promise<Completed | Completing>,
): Promise<Completed | Completing> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<Completing>((resolve) => {
    timer = setTimeout(() => resolve({ uploadId, completing: true, retryAfterSeconds: 2 }), seconds * 1000);
  });
  try {
    return await Promise.race([completion, timeout]);
  } finally {
    clearTimeout(timer);
    // After a timeout nothing else handles a rejection. The next request gets the result of the completion.
    completion.catch(() => {});
  }
}
