/** The HTTP side: sockets, identifiers, `100 Continue`, what happens to a body that nobody wants. */
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

/** One request, told to whoever shows or counts them. Never a query string, a signature or a credential. */
export interface RequestReport {
  method: string;
  bucket: string | undefined;
  /** Byte string turned to text. */
  key: string | undefined;
  /** HTTP; 0 when the connection broke first. */
  status: number;
  /** Of bodies, as they came over the wire. */
  bytesIn: number;
  bytesOut: number;
  /** S3's error code. */
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

/** A refused sender may still be sending: read so much of it that it gets to see the answer, and no more. */
const maxDiscardMs = 5_000;

/** The request line and all header lines. https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
const maxHeaderSectionBytes = 8192;

export function createHttpServer(options: ServeOptions): Server {
  const server = createServer({
    // More than S3 allows, so that what is too large gets an answer with identifiers and CORS headers.
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
  const tooLong = error.code === 'HPE_HEADER_OVERFLOW';
  const { code, message, details } = isCutOff
    ? new StoreError('IncompleteBody')
    : tooLong
      ? headerSectionTooLarge()
      : new StoreError('BadRequest', { message: 'An error occurred when parsing the HTTP request.' });
  const body = xmlDocument('Error', { Code: code, Message: message, ...details }, { namespace: false });
  socket.end(
    `HTTP/1.1 400 Bad Request\r\nContent-Type: application/xml\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function headerSectionTooLarge(): StoreError {
  return new StoreError('RequestHeaderSectionTooLarge', { details: { MaxSizeAllowed: String(maxHeaderSectionBytes) } });
}

function headerSectionBytes({ method = '', url = '', rawHeaders }: IncomingMessage): number {
  let bytes = method.length + url.length + ' HTTP/1.1\r\n\r\n'.length + 1;
  // Each name is followed by a colon and a space, each value by a line break.
  for (const text of rawHeaders) bytes += text.length + 2;
  return bytes;
}

async function serveRequest(
  request: IncomingMessage,
  response: ServerResponse,
  expectsContinue: boolean,
  options: ServeOptions,
): Promise<void> {
  const { store, faultInjector } = options;
  const counts = { in: 0, out: 0 };
  let fault: StoreFault = {};
  let hasSentContinue = !expectsContinue;
  let formKey: string | undefined;
  const [rawPath = '/', ...queryParts] = (request.url ?? '/').split('?');
  const rawQuery = queryParts.join('?');
  const requestId = randomText(store, 16, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789');
  const hostId = `${randomText(store, 43, 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')}=`;
  const call: Call = {
    store,
    request,
    method: request.method ?? 'GET',
    rawPath,
    rawQuery,
    query: new Map(),
    headers: readHeaders(request),
    target: { bucket: undefined, key: undefined },
    requestId,
    auth: undefined,
    caller: undefined,
    countReceived(bytes) {
      counts.in += bytes;
      if (fault.dropRequestAfterBytes === undefined || counts.in <= fault.dropRequestAfterBytes) return;
      request.socket.destroy();
      throw new StoreError('IncompleteBody');
    },
    setFormKey(key) {
      formKey = key;
    },
    sendContinue() {
      if (!hasSentContinue) response.writeContinue();
      hasSentContinue = true;
    },
  };

  let reply: Reply;
  let code: string | undefined;
  const identity = { requestId, hostId, resource: rawPath };
  let resolved: Call = call;
  try {
    if (headerSectionBytes(request) > maxHeaderSectionBytes) throw headerSectionTooLarge();
    const query = readQuery(rawQuery);
    const target = resolveTarget(rawPath, call.headers.get('host'), options.hosts);
    resolved = { ...call, query, target };
    fault = faultInjector.select({ method: call.method, ...target, query: [...query.keys()].filter(isReportable) });
    if (fault.delayMs) await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
    if (fault.dropRequestAfterBytes === 0) {
      request.socket.destroy();
      reportRequest(options, resolved, formKey, 0, counts, undefined);
      return;
    }
    if (fault.slowDown) {
      const after = fault.slowDown.retryAfterSeconds;
      throw new StoreError('SlowDown', after === undefined ? {} : { headers: { 'retry-after': String(after) } });
    }
    reply = await handleRequest(resolved, {
      lookup: options.lookup,
      region: store.region,
      clockAheadMs: () => (fault.expire ? 8 * 86_400_000 : 0),
    });
  } catch (error) {
    const known = toStoreError(error, options);
    code = known.code;
    reply = errorReply(known, identity);
  }
  const headers = {
    'x-amz-request-id': requestId,
    'x-amz-id-2': hostId,
    server: 'waybill-devstore',
    date: new Date(store.now()).toUTCString(),
    ...corsResponseHeaders(resolved),
    ...(hasSentContinue ? {} : { connection: 'close' }),
  };
  if (request.socket.destroyed) {
    reportRequest(options, resolved, formKey, 0, counts, code);
    return;
  }
  counts.out = await sendReply(request, response, reply, headers, fault);
  discardRequestBody(request);
  reportRequest(options, resolved, formKey, reply.status, counts, code);
}

/**
 * Closing with unread bytes resets the connection, and the client would lose the answer. Node reads them away, at
 * whatever length; a sender that does not stop is stopped.
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
  formKey: string | undefined,
  status: number,
  counts: { in: number; out: number },
  code: string | undefined,
): void {
  const key = target.key ?? formKey;
  onRequest?.({
    method,
    bucket: target.bucket,
    key: key === undefined ? undefined : Buffer.from(key, 'latin1').toString(),
    status,
    bytesIn: counts.in,
    bytesOut: counts.out,
    ...(code === undefined ? {} : { code }),
  });
}

/** Repeated headers are one, joined by commas, as the canonical request has them. */
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
