/**
 * The handler itself: answers plain requests. It never throws, and never answers 500 because of what a client sent.
 * What adapters wrap and share is in adapters/handler.ts.
 */
import type { WaybillError } from '../../protocol/index.ts';
import { redact } from '../../s3/index.ts';
import { loadOnce } from '../../s3/internal.ts';
import type { Config } from '../config.ts';
import type { Operation } from '../events.ts';
import { grantUploads } from '../grants/grant-uploads.ts';
import type { Services } from '../services.ts';
import { describe } from '../shared/describe.ts';
import { unknownRoute } from '../shared/errors.ts';
import { batchResponse } from './batch-response.ts';
import { type Call, readJsonBody } from './call.ts';
import { corsHeaders, preflightHeaders } from './origins.ts';
import { type PlainRequest, type PlainResponse, RequestView } from './plain-request.ts';
import {
  findResourceOfMounted,
  methodNotAllowed,
  type Resource,
  routeNotFound,
  withoutClosedMethods,
} from './resources.ts';
import { asWaybillError, json, maxMessage, retryAfter, wireError } from './responses.ts';
import { parseGrantRequest } from './wire-schema.ts';

/** Runs one operation, and loads what it needs. */
type RunOperation = (operation: RoutedOperation, call: Call) => PlainResponse | Promise<PlainResponse>;

type RoutedOperation = Exclude<Operation, 'preflight' | 'unknown'>;

function createOperations(services: Services): RunOperation {
  const { config, completion } = services;
  const deferred = loadOnce(async () => {
    const { createDeferredOperations } = await import('./deferred-operations.ts');
    return createDeferredOperations(services);
  });

  async function grant(call: Call): Promise<PlainResponse> {
    const body = parseGrantRequest(await readJsonBody(services, call));
    return batchResponse('uploads', await grantUploads(services, new RequestView(call.request), body), call);
  }

  function describeRoute({ target }: Call): PlainResponse {
    const route = config.routes.get(target);
    if (!route) throw unknownRoute();
    // This client will upload soon, so the code for the requests after the grant loads already.
    deferred().catch(() => {});
    completion().catch(() => {});
    return json(200, route.info, 'public, max-age=300');
  }

  return (operation, call) => {
    if (operation === 'grant') return grant(call);
    if (operation === 'route') return describeRoute(call);
    return deferred().then((operations) => operations[operation](call));
  };
}

export function createHandler(services: Services): (request: PlainRequest) => Promise<PlainResponse> {
  const { config } = services;
  const runOperation = createOperations(services);
  // Request ids and times cost more than they are worth when no app listens for events.
  const emit = config.onEvent && services.emit;
  return async (request) => {
    const startedAt = emit ? config.now() : 0;
    let requestId: string | undefined;
    const call: Call = {
      request,
      operation: 'unknown',
      target: '',
      bytesIn: 0,
      requestId: () => {
        requestId ??= givenRequestId(request) ?? services.random(12).toString('hex');
        return requestId;
      },
      reportError: (error) => emitFailure(services, call, error),
    };
    let response: PlainResponse;
    try {
      response = await dispatch(services, runOperation, call);
    } catch (thrown) {
      const error = asWaybillError(thrown);
      call.reportError(error);
      response = json(error.status, { error: wireError(error, call.requestId()) });
      Object.assign(response.headers, retryAfter(error));
      if (error.code === 'method_not_allowed') response.headers.allow = (error.details as { allow: string }).allow;
    }
    const cors = corsHeaders(config, request);
    if (cors) Object.assign(response.headers, cors);
    if (config.allowedOrigins.size > 0)
      response.headers.vary = response.headers.vary ? `${response.headers.vary}, origin` : 'origin';
    if (request.method === 'HEAD') response.body = '';
    emit?.('request.served', {
      operation: call.operation,
      status: response.status,
      bytesIn: call.bytesIn,
      bytesOut: Buffer.byteLength(response.body),
      durationMs: config.now() - startedAt,
      requestId: call.requestId(),
    });
    return response;
  };
}

function dispatch(
  { config }: Services,
  runOperation: RunOperation,
  call: Call,
): PlainResponse | Promise<PlainResponse> {
  const { request } = call;
  const { rateLimits, instrument } = config;
  const found = findResourceOfMounted(config.basePath, request.path);
  if (!found) throw routeNotFound();
  call.target = found.target;
  const resource = withoutClosedMethods(found.resource, config.hasOpenLists);
  const operation = resource.operations[request.method];
  if (operation) {
    call.operation = operation;
    const run = () =>
      instrument
        ? instrument(`waybill.${operation}`, {}, async () => runOperation(operation, call))
        : runOperation(operation, call);
    // The address is limited before the body is read and before `authorize` runs.
    return rateLimits ? rateLimits.address(new RequestView(request), operation).then(run) : run();
  }
  if (request.method === 'OPTIONS') return preflight(config, call, resource);
  throw methodNotAllowed(resource);
}

function preflight(config: Config, call: Call, resource: Resource): PlainResponse {
  call.operation = 'preflight';
  const allowed = corsHeaders(config, call.request) !== null;
  const headers: Record<string, string> = { allow: resource.allow, 'cache-control': 'no-store' };
  if (allowed) Object.assign(headers, preflightHeaders(call.request, resource.allow));
  return { status: 204, headers, body: '' };
}

/** Uses the id of a proxy, so that its log and ours can be compared. */
function givenRequestId(request: PlainRequest): string | undefined {
  const given = request.header('x-request-id');
  return given !== undefined && /^[A-Za-z0-9._-]{1,60}$/.test(given) ? given : undefined;
}

function emitFailure({ emit }: Services, call: Call, error: WaybillError): void {
  const { code, status, message, cause, details } = error;
  const reason = {
    ...(details?.hint === undefined ? {} : { hint: redact(details.hint, maxMessage) }),
    ...(cause === undefined ? {} : { reason: describe(cause) }),
  };
  emit?.('request.failed', {
    operation: call.operation,
    status,
    code,
    message: redact(message, maxMessage),
    ...reason,
    requestId: call.requestId(),
  });
}
