/**
 * The operations after a grant: sign and list parts, complete, abort, view, delete, list and rename files, storage
 * events. They load with the first such request, so that a cold server answers its first grant sooner.
 */

import { type Completed, type Completing, describeResult } from '../completion/result.ts';
import { createStagedCleanup } from '../completion/staged-cleanup.ts';
import type { Operation } from '../events.ts';
import { type LaterAction, openGrants } from '../grants/open-grants.ts';
import type { Services } from '../services.ts';
import { type Failure, isFailure } from '../shared/failure.ts';
import { mapLimited } from '../shared/map-limited.ts';
import type { OpenedGrant } from '../state/claims.ts';
import { batchResponse } from './batch-response.ts';
import { type Call, readJsonBody } from './call.ts';
import { createFileOperations } from './file-operations.ts';
import { keepAlive } from './keep-alive.ts';
import { type PlainResponse, RequestView } from './plain-request.ts';
import { createReceivingOperations } from './receiving-operations.ts';
import { json } from './responses.ts';
import { createViewOperations } from './view-operations.ts';
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
  const { config } = services;
  return {
    ...createFileOperations(services),
    ...createViewOperations(services),
    ...createReceivingOperations(services),

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
      const cleanup = sent.length > 1 ? createStagedCleanup(config.storage) : undefined;
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
  };
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
