/** The HTTP server: sockets, request ids, `100 Continue`, faults, and bodies that are not read. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { S3AuthError } from '../s3/internal.ts';
import type { Call, Reply, Store } from './call.ts';
import { corsResponseHeaders } from './cors.ts';
import { StoreError } from './errors.ts';
import type { FaultInjector, StoreFault } from './fault-injector.ts';
import { handleRequest, type Pipeline } from './pipeline.ts';
import { errorReply, sendReply } from './respond.ts';
import { readQuery, resolveTarget } from './target.ts';
import { xmlDocument } from './xml-write.ts';

/** The report of one request. It never contains a query string, a signature or a credential. */
export interface RequestReport {
  method: string;
  bucket: string | undefined;
  /** As text. */
  key: string | undefined;
  /** HTTP status; 0 when the connection was closed before the response. */
  status: number;
  /** Bytes of the request body, as received. */
  bytesIn: number;
  bytesOut: number;
  /** The error code of S3. */
  code?: string;
}

export interface ServeOptions {
  store: Store;
  lookup: Pipeline['lookup'];
  hosts: readonly string[];
  faultInjector: FaultInjector;
  onRequest?: ((reportRequest: RequestReport) => void) | undefined;
  onError?: ((error: unknown) => void) | undefined;
}

/** How long the rest of a refused request body is read, so that the client can read the response. */
const maxDiscardMs = 5_000;

/** The request line and all header lines. https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
const maxHeaderSectionBytes = 8192;

export function createHttpServer(options: ServeOptions): Server {
  const server = createServer({
    // More than S3 allows, so that a larger request gets a response with request id and CORS headers.
    maxHeaderSize: 64 * 1024,
    highWaterMark: 64 * 1024,
    requestTimeout: 0,
    keepAliveTimeout: 65_000,
    insecureHTTPParser: false,
    noDelay: true,
  });
  const serve = (expectsContinue: boolean) => (request: IncomingMessage, response: ServerResponse) => {
    serveRequest(request, response, expectsContinue, options).catch((error: unknown) => {
      options.onError?.(error);
      request.socket.destroy();
    });
  };
  server.on('request', serve(false));
  server.on('checkContinue', serve(true));
  server.on('checkExpectation', serve(false));
  server.on('clientError', answerParseError);
  return server;
}

function answerParseError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const isCutOff = error.code === 'HPE_INVALID_EOF_STATE';
  const isTooLong = error.code === 'HPE_HEADER_OVERFLOW';
  const { code, message, details } = isCutOff
    ? new StoreError('IncompleteBody')
    : isTooLong
      ? headerSectionTooLarge()
      : new StoreError('BadRequest', { message: 'An error occurred when parsing the HTTP request.' });
  const body = xmlDocument('Error', { Code: code, Message: message, ...details }, { namespace: false });
  socket.end(
    'HTTP/1.1 400 Bad Request\r\nContent-Type: application/xml\r\n' +
      `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function headerSectionTooLarge(): StoreError {
  return new StoreError('RequestHeaderSectionTooLarge', { details: { MaxSizeAllowed: String(maxHeaderSectionBytes) } });
}

function headerSectionBytes({ method = '', url = '', rawHeaders }: IncomingMessage): number {
  let bytes = method.length + url.length + ' HTTP/1.1\r\n\r\n'.length + 1;
  // A colon and a space follow each name, a line break follows each value.
  for (const text of rawHeaders) bytes += text.length + 2;
  return bytes;
}

/** The values that change while one request is served. */
interface RequestState {
  bytesIn: number;
  bytesOut: number;
  fault: StoreFault;
  hasSentContinue: boolean;
  formKey: string | undefined;
  /** The error code, once there is one. */
  code: string | undefined;
}

async function serveRequest(
  request: IncomingMessage,
  response: ServerResponse,
  expectsContinue: boolean,
  options: ServeOptions,
): Promise<void> {
  const { store } = options;
  const state: RequestState = {
    bytesIn: 0,
    bytesOut: 0,
    fault: {},
    hasSentContinue: !expectsContinue,
    formKey: undefined,
    code: undefined,
  };
  let call = createCall(request, response, store, state);
  const hostId = `${randomText(store, 43, 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')}=`;
  let reply: Reply;
  try {
    if (headerSectionBytes(request) > maxHeaderSectionBytes) throw headerSectionTooLarge();
    const query = readQuery(call.rawQuery);
    call = { ...call, query, target: resolveTarget(call.rawPath, call.headers.get('host'), options.hosts) };
    if (await injectFault(call, state, options)) return reportRequest(options, call, state, 0);
    reply = await handleRequest(call, {
      lookup: options.lookup,
      region: store.region,
      clockAheadMs: () => (state.fault.expire ? 8 * 86_400_000 : 0),
    });
  } catch (error) {
    const known = toStoreError(error, options);
    state.code = known.code;
    reply = errorReply(known, { requestId: call.requestId, hostId, resource: call.rawPath });
  }
  if (request.socket.destroyed) return reportRequest(options, call, state, 0);
  const headers = {
    'x-amz-request-id': call.requestId,
    'x-amz-id-2': hostId,
    server: 'waybill-devstore',
    date: new Date(store.now()).toUTCString(),
    ...corsResponseHeaders(call),
    ...(state.hasSentContinue ? {} : { connection: 'close' }),
  };
  state.bytesOut = await sendReply(request, response, reply, headers, state.fault);
  discardRequestBody(request);
  reportRequest(options, call, state, reply.status);
}

/** Creates the call before its query and target are parsed, so that an invalid request gets a response too. */
function createCall(request: IncomingMessage, response: ServerResponse, store: Store, state: RequestState): Call {
  const [rawPath = '/', ...queryParts] = (request.url ?? '/').split('?');
  return {
    store,
    request,
    method: request.method ?? 'GET',
    rawPath,
    rawQuery: queryParts.join('?'),
    query: new Map(),
    headers: readHeaders(request),
    target: { bucket: undefined, key: undefined },
    requestId: randomText(store, 16, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'),
    auth: undefined,
    caller: undefined,
    countReceived(bytes) {
      state.bytesIn += bytes;
      const { dropRequestAfterBytes } = state.fault;
      if (dropRequestAfterBytes === undefined || state.bytesIn <= dropRequestAfterBytes) return;
      request.socket.destroy();
      throw new StoreError('IncompleteBody');
    },
    setFormKey(key) {
      state.formKey = key;
    },
    sendContinue() {
      if (!state.hasSentContinue) response.writeContinue();
      state.hasSentContinue = true;
    },
  };
}

/**
 * Selects the fault of this request and applies the part that precedes its handling.
 * @returns whether the connection was closed
 * @throws StoreError SlowDown
 */
async function injectFault(call: Call, state: RequestState, { faultInjector }: ServeOptions): Promise<boolean> {
  const query = [...call.query.keys()].filter(isReportable);
  const fault = faultInjector.select({ method: call.method, ...call.target, query });
  state.fault = fault;
  if (fault.delayMs) await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
  if (fault.dropRequestAfterBytes === 0) {
    call.request.socket.destroy();
    return true;
  }
  if (!fault.slowDown) return false;
  const after = fault.slowDown.retryAfterSeconds;
  throw new StoreError('SlowDown', after === undefined ? {} : { headers: { 'retry-after': String(after) } });
}

/**
 * Closing a connection with unread bytes resets it, and the client would not see the response. The rest of the body is
 * therefore read and ignored, for a limited time.
 */
function discardRequestBody(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  const timer = setTimeout(() => request.socket.destroy(), maxDiscardMs);
  timer.unref();
  request.once('end', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
  request.on('error', () => {});
  request.resume();
}

function toStoreError(error: unknown, options: ServeOptions): StoreError | S3AuthError {
  if (error instanceof StoreError || error instanceof S3AuthError) return error;
  options.onError?.(error);
  return new StoreError('InternalError');
}

function reportRequest(
  { onRequest }: ServeOptions,
  { method, target }: Call,
  state: RequestState,
  status: number,
): void {
  const key = target.key ?? state.formKey;
  onRequest?.({
    method,
    bucket: target.bucket,
    key: key === undefined ? undefined : Buffer.from(key, 'latin1').toString(),
    status,
    bytesIn: state.bytesIn,
    bytesOut: state.bytesOut,
    ...(state.code === undefined ? {} : { code: state.code }),
  });
}

/** Joins repeated headers by commas, as in the canonical request. */
function readHeaders({ rawHeaders }: IncomingMessage): Map<string, string> {
  const headers = new Map<string, string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] as string).toLowerCase();
    const value = rawHeaders[at + 1] as string;
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before},${value}`);
  }
  return headers;
}

function isReportable(name: string): boolean {
  return !/^x-amz-/i.test(name);
}

function randomText({ random }: Store, length: number, alphabet: string): string {
  let text = '';
  for (let at = 0; at < length; at += 1) text += alphabet[Math.floor(random() * alphabet.length)];
  return text;
}
