/** The core: a plain request in, a plain answer out. Never throws; never answers 500 for what a client sent. */
import type { WaybillError } from '../protocol/index.ts';
import { abortUpload, deleteStored } from './abort.ts';
import { asWaybillError, json, retryAfter, wireError } from './answers.ts';
import { batchAnswer, mapLimited } from './batch.ts';
import type { Completed, Completing } from './complete.ts';
import { describe } from './describe.ts';
import type { Operation } from './events.ts';
import { type Failure, grantUploads, isFailure } from './grant-uploads.ts';
import type { OpenedGrant } from './grants.ts';
import { openGrants } from './opened-grants.ts';
import { corsHeaders, preflightHeaders, requireAllowedOrigin } from './origins.ts';
import { type PlainRequest, type PlainResponse, RequestView } from './plain.ts';
import { readJson } from './read-json.ts';
import { findResource, methodNotAllowed, type Resource, routeNotFound } from './resources.ts';
import type { Room } from './room.ts';
import { readAllowed, view } from './views.ts';
import { parseGrantRequest, parseGrantsRequest } from './wire-schema.ts';

/** One request under way. */
interface Call {
  request: PlainRequest;
  operation: Operation;
  /** What the path names: a route or a ref. */
  target: string;
  bytesIn: number;
  requestId: () => string;
  failed: (error: WaybillError) => void;
}

const parallelCompletions = 8;

const operations: Record<
  Exclude<Operation, 'preflight' | 'unknown'>,
  (room: Room, call: Call) => Promise<PlainResponse>
> = {
  async grant(room, call) {
    const body = parseGrantRequest(await jsonBody(room, call));
    const items = await grantUploads(room, new RequestView(call.request), body);
    return batchAnswer('uploads', items, call);
  },

  async complete(room, call) {
    const { grants } = parseGrantsRequest(await jsonBody(room, call));
    const opened = await openGrants(room, new RequestView(call.request), grants, 'complete');
    const items = await mapLimited(opened, parallelCompletions, (one) =>
      attempt(one, (grant) => withinPatience(room, grant)),
    );
    return batchAnswer('results', items, call);
  },

  async abort(room, call) {
    const { grants } = parseGrantsRequest(await jsonBody(room, call));
    const opened = await openGrants(room, new RequestView(call.request), grants, 'abort');
    const items = await mapLimited(opened, parallelCompletions, (one) =>
      attempt(one, async ({ claims }) => {
        await abortUpload(room, claims);
        return { uploadId: claims.uploadId, aborted: true as const };
      }),
    );
    return batchAnswer('results', items, call);
  },

  async route({ config }, { target }) {
    const route = config.routes.get(target);
    if (!route) throw routeNotFound();
    return json(200, route.info, 'public, max-age=300');
  },

  async view(room, call) {
    const { request } = call;
    const query = new URLSearchParams(request.query);
    const found = await view(room.config, room.refs, new RequestView(request), call.target, {
      download: query.get('download') === '1',
      method: request.method === 'HEAD' ? 'HEAD' : 'GET',
      host: request.header('host'),
    });
    const { route, ownerId, key } = found.ref;
    room.emit?.('view.served', { route, ownerId, key });
    // Private: what one may see another may not. Vary: not after signing out either.
    const cache = { 'cache-control': `private, max-age=${found.maxAgeSeconds}`, vary: 'cookie, authorization' };
    if (query.get('as') === 'json') {
      const answer = json(200, { url: found.url, expiresAt: found.expiresAt });
      Object.assign(answer.headers, cache);
      return answer;
    }
    const headers = {
      ...cache,
      location: found.url,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    };
    return { status: 302, headers, body: '' };
  },

  async delete(room, call) {
    requireAllowedOrigin(room.config, call.request);
    const { ref } = await readAllowed(room.config, room.refs, new RequestView(call.request), call.target, 'delete');
    const deleted = await deleteStored(room.config.storage, room.markers, ref.key);
    if (deleted) room.emit?.('file.deleted', { route: ref.route, key: ref.key });
    return { status: 204, headers: { 'cache-control': 'no-store' }, body: '' };
  },
};

export function createHandler(room: Room): (request: PlainRequest) => Promise<PlainResponse> {
  const { config, emit } = room;
  return async (request) => {
    const startedAt = emit ? config.now() : 0;
    let requestId: string | undefined;
    const call: Call = {
      request,
      operation: 'unknown',
      target: '',
      bytesIn: 0,
      requestId: () => {
        requestId ??= givenRequestId(request) ?? room.random(12).toString('hex');
        return requestId;
      },
      failed: (error) => reportFailure(room, call, error),
    };
    let answer: PlainResponse;
    try {
      answer = await dispatch(room, call);
    } catch (thrown) {
      const error = asWaybillError(thrown);
      call.failed(error);
      answer = json(error.status, { error: wireError(error, call.requestId()) });
      Object.assign(answer.headers, retryAfter(error));
      if (error.code === 'method_not_allowed') answer.headers.allow = (error.details as { allow: string }).allow;
    }
    const cors = corsHeaders(config, request);
    if (cors) Object.assign(answer.headers, cors);
    if (config.allowedOrigins.size > 0)
      answer.headers.vary = answer.headers.vary ? `${answer.headers.vary}, origin` : 'origin';
    if (request.method === 'HEAD') answer.body = '';
    emit?.('request.served', {
      operation: call.operation,
      status: answer.status,
      bytesIn: call.bytesIn,
      bytesOut: Buffer.byteLength(answer.body),
      durationMs: config.now() - startedAt,
      requestId: call.requestId(),
    });
    return answer;
  };
}

function dispatch(room: Room, call: Call): PlainResponse | Promise<PlainResponse> {
  const { request } = call;
  const found = findResource(room.config.basePath, request.path);
  if (!found) throw routeNotFound();
  call.target = found.target;
  const operation = found.resource.operations[request.method];
  if (operation) {
    call.operation = operation;
    return operations[operation](room, call);
  }
  if (request.method === 'OPTIONS') return preflight(room, call, found.resource);
  throw methodNotAllowed(found.resource);
}

function preflight({ config }: Room, call: Call, resource: Resource): PlainResponse {
  call.operation = 'preflight';
  const allowed = corsHeaders(config, call.request) !== null;
  const headers: Record<string, string> = { allow: resource.allow, 'cache-control': 'no-store' };
  if (allowed) Object.assign(headers, preflightHeaders(call.request, resource.allow));
  return { status: 204, headers, body: '' };
}

function jsonBody({ config }: Room, call: Call): Promise<unknown> {
  requireAllowedOrigin(config, call.request);
  return readJson(call.request, config.maxBodyBytes, call);
}

async function attempt<T>(one: OpenedGrant | Failure, work: (opened: OpenedGrant) => Promise<T>): Promise<T | Failure> {
  if (isFailure(one)) return one;
  try {
    return await work(one);
  } catch (failure) {
    return { failure };
  }
}

/** A large copy outlives a request: it goes on, and the client comes again (DESIGN section 7, 8). */
async function withinPatience(room: Room, opened: OpenedGrant): Promise<Completed | Completing> {
  const { uploadId } = opened.claims;
  let timer: NodeJS.Timeout | undefined;
  const work = room.complete(opened);
  const patience = new Promise<Completing>((resolve) => {
    timer = setTimeout(
      () => resolve({ uploadId, completing: true, retryAfterSeconds: 2 }),
      room.config.completionWaitSeconds * 1000,
    );
  });
  try {
    return await Promise.race([work, patience]);
  } finally {
    clearTimeout(timer);
    // When patience won, nobody waits for this promise any more; the next call meets its outcome.
    work.catch(() => {});
  }
}

/** A proxy's own id ties its log to ours. */
function givenRequestId(request: PlainRequest): string | undefined {
  const given = request.header('x-request-id');
  return given !== undefined && /^[A-Za-z0-9._-]{1,60}$/.test(given) ? given : undefined;
}

function reportFailure({ emit }: Room, call: Call, error: WaybillError): void {
  const { code, status, message, cause } = error;
  const reason = cause === undefined ? {} : { reason: describe(cause) };
  emit?.('request.failed', {
    operation: call.operation,
    status,
    code,
    message,
    ...reason,
    requestId: call.requestId(),
  });
}
