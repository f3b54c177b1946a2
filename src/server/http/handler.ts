/** The core: a plain request in, a plain answer out. Never throws; never answers 500 for what a client sent. */
import type { WaybillError } from '../../protocol/index.ts';
import { redact } from '../../s3/index.ts';
import { loadOnce } from '../../s3/internal.ts';
import type { Config } from '../config.ts';
import type { Operation } from '../events.ts';
import { grantUploads } from '../grants/grant-uploads.ts';
import type { Services } from '../services.ts';
import { describe } from '../shared/describe.ts';
import { unknownRoute } from '../shared/errors.ts';
import { batchAnswer } from './batch-response.ts';
import { type Call, jsonBody } from './call.ts';
import { corsHeaders, preflightHeaders } from './origins.ts';
import { type PlainRequest, type PlainResponse, RequestView } from './plain-request.ts';
import { findResourceOfMounted, methodNotAllowed, type Resource, routeNotFound } from './resources.ts';
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
    const body = parseGrantRequest(await jsonBody(services, call));
    return batchAnswer('uploads', await grantUploads(services, new RequestView(call.request), body), call);
  }

  function describeRoute({ target }: Call): PlainResponse {
    const route = config.routes.get(target);
    if (!route) throw unknownRoute();
    // Who asks is about to upload: what comes after the grant loads meanwhile.
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
  // An id and a time for each answer are for those who asked for events.
  const told = config.onEvent && services.emit;
  return async (request) => {
    const startedAt = told ? config.now() : 0;
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
      failed: (error) => reportFailure(services, call, error),
    };
    let answer: PlainResponse;
    try {
      answer = await dispatch(services, runOperation, call);
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
    told?.('request.served', {
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
  const operation = found.resource.operations[request.method];
  if (operation) {
    call.operation = operation;
    // Before the body is read, or anybody asked who this is.
    const run = () =>
      instrument
        ? instrument(`waybill.${operation}`, {}, async () => runOperation(operation, call))
        : runOperation(operation, call);
    return rateLimits ? rateLimits.address(new RequestView(request), operation).then(run) : run();
  }
  if (request.method === 'OPTIONS') return preflight(config, call, found.resource);
  throw methodNotAllowed(found.resource);
}

function preflight(config: Config, call: Call, resource: Resource): PlainResponse {
  call.operation = 'preflight';
  const allowed = corsHeaders(config, call.request) !== null;
  const headers: Record<string, string> = { allow: resource.allow, 'cache-control': 'no-store' };
  if (allowed) Object.assign(headers, preflightHeaders(call.request, resource.allow));
  return { status: 204, headers, body: '' };
}

/** A proxy's own id ties its log to ours. */
function givenRequestId(request: PlainRequest): string | undefined {
  const given = request.header('x-request-id');
  return given !== undefined && /^[A-Za-z0-9._-]{1,60}$/.test(given) ? given : undefined;
}

function reportFailure({ emit }: Services, call: Call, error: WaybillError): void {
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
