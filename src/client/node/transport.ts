/**
 * Uses node:http and node:https, because `fetch` in Node reports no progress and sends a stream without its length,
 * which storages refuse.
 */
import { randomUUID } from 'node:crypto';
import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { WaybillError } from '../../protocol/index.ts';
import { failure } from '../errors.ts';
import type { Source, Transport, TransportRequest, TransportResponse } from '../types.ts';
import type { FileSource } from './file-source.ts';
import { frameForm } from './multipart-form.ts';

/** An answer that is longer than this comes from neither the storage nor the app's server. */
const maxAnswerBytes = 4 * 1024 * 1024;
const readBytes = 1024 * 1024;

export interface NodeTransportOptions {
  /**
   * Keeps connections open between requests. With `false` they are closed at once, so that the process can end.
   * @default true: connections stay open for a few seconds @example false
   */
  keepAlive?: boolean;
}

/**
 * Sends requests by node:http and node:https. It is the default of `waybill/client/node`.
 * @example createClient({ endpoint, transport: nodeTransport({ keepAlive: false }) })
 */
export function nodeTransport({ keepAlive = true }: NodeTransportOptions = {}): Transport {
  const agents = { 'http:': new http.Agent({ keepAlive }), 'https:': new https.Agent({ keepAlive }) };
  return {
    send: (request) => {
      const secure = /^https:/i.test(request.url);
      return send(request, secure ? https.request : http.request, agents[secure ? 'https:' : 'http:']);
    },
  };
}

async function send(
  request: TransportRequest,
  open: typeof http.request,
  agent: http.Agent,
): Promise<TransportResponse> {
  const { method, url, signal, onProgress } = request;
  const { headers, parts } = bodyOf(request);
  const outgoing = open(url, { method, headers, agent, signal });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve);
    outgoing.on('error', reject);
  });
  // A file that cannot be read ends the request. After a broken connection this has no effect, and an answer is still
  // read.
  write(outgoing, parts(onProgress)).catch((error) => outgoing.destroy(error));
  const response = await answered;
  const { location } = response.headers;
  const status = response.statusCode ?? 0;
  // Only calls to the app's server have no source. They carry the app's headers, which must not be sent to another
  // address, so a redirect is not followed.
  if (!request.source && status >= 300 && status < 400 && location) {
    outgoing.destroy();
    throw redirectError(url, status, location);
  }
  const text = await readText(response);
  // The answer came before all bytes were sent: the rest is not needed.
  if (!outgoing.writableFinished) outgoing.destroy();
  return {
    status,
    text,
    header: (name) => {
      const value = response.headers[name];
      return Array.isArray(value) ? value[0] : value;
    },
  };
}

/** A query may contain a token or a signature. */
const withoutQuery = ({ origin, pathname }: URL) => `${origin}${pathname}`;

function redirectError(url: string, status: number, location: string): WaybillError {
  const target = URL.canParse(location, url) ? withoutQuery(new URL(location, url)) : 'another address';
  return failure('network_error', 'The address of the upload server has changed.', {
    status,
    retryable: false,
    details: {
      hint: `HTTP ${status} from ${withoutQuery(new URL(url))}: it redirects to ${target}. Set \`endpoint\` accordingly.`,
    },
  });
}

/** Ends when all bytes are written or when the request has ended. */
async function write(outgoing: ClientRequest, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  let finishWrite = () => {};
  outgoing.once('close', () => finishWrite());
  let writing: Promise<void> | undefined;
  for await (const piece of pieces) {
    // The next piece is read while this one is written, and the buffer of this one is not changed until then.
    await writing;
    if (outgoing.destroyed) return;
    writing = new Promise((resolve) => {
      finishWrite = resolve;
      outgoing.write(piece, () => resolve());
    });
  }
  await writing;
  if (!outgoing.destroyed) outgoing.end();
}

type Parts = (onProgress?: (loaded: number) => void) => AsyncIterable<Uint8Array>;

function bodyOf({ source, fields, body, headers }: TransportRequest): {
  headers: Record<string, string>;
  parts: Parts;
} {
  if (!source) {
    const bytes = Buffer.from(body ?? '');
    return {
      headers: body === undefined ? headers : { ...headers, 'content-length': `${bytes.length}` },
      async *parts() {
        if (bytes.length) yield bytes;
      },
    };
  }
  const frame = fields && frameForm(fields, `waybill-${randomUUID()}`);
  const length = source.size + (frame ? frame.head.length + frame.tail.length : 0);
  return {
    headers: {
      ...(frame ? { 'content-type': frame.contentType } : headers),
      'content-length': `${length}`,
    },
    async *parts(onProgress) {
      if (frame) yield frame.head;
      let loaded = 0;
      for await (const piece of piecesOf(source)) {
        yield piece;
        // This continues when the socket has taken the previous piece and this one is being written.
        loaded += piece.length;
        onProgress?.(loaded);
      }
      if (frame) yield frame.tail;
    },
  };
}

async function* piecesOf(source: Source): AsyncIterable<Uint8Array> {
  if (source.size === 0) return;
  const { openStream } = source as Partial<FileSource>;
  if (openStream) yield* openStream();
  else
    for (let start = 0; start < source.size; start += readBytes)
      yield await source.read(start, Math.min(start + readBytes, source.size));
}

async function readText(response: IncomingMessage): Promise<string> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of response) {
    size += (piece as Uint8Array).length;
    if (size > maxAnswerBytes) throw new Error('The answer is too long.');
    pieces.push(piece as Uint8Array);
  }
  return Buffer.concat(pieces).toString('utf8');
}
