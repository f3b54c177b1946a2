/**
 * node:http and node:https, because fetch in Node knows no progress and sends a stream without its length, which no
 * storage takes.
 */
import { randomUUID } from 'node:crypto';
import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { WaybillError } from '../../protocol/index.ts';
import { failure } from '../errors.ts';
import type { Source, Transport, TransportRequest, TransportResponse } from '../types.ts';
import type { FileSource } from './file-source.ts';
import { frameForm } from './multipart-form.ts';

/** An answer longer than this is not one of ours. */
const maxAnswerBytes = 4 * 1024 * 1024;
const readBytes = 1024 * 1024;

export interface NodeTransportOptions {
  /**
   * Keep connections open between requests. `false` ends them at once, for a process that should not wait for them.
   * @default true: connections stay for a few seconds @example false
   */
  keepAlive?: boolean;
}

/**
 * Requests over node:http and node:https. It is the default of `waybill/client/node`.
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
  // What cannot be read is not sent either; otherwise a broken pipe says less than the answer, when there is one.
  write(outgoing, parts(onProgress)).catch((error) => outgoing.destroy(error));
  const response = await answered;
  const { location } = response.headers;
  const status = response.statusCode ?? 0;
  // Only calls to the app's server have no source. They carry the user's headers, which go to no other address.
  if (!request.source && status >= 300 && status < 400 && location) {
    outgoing.destroy();
    throw redirected(url, status, location);
  }
  const text = await readText(response);
  // What is not wanted any more is not sent.
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

function redirected(url: string, status: number, location: string): WaybillError {
  const target = URL.canParse(location, url) ? new URL(location, url).href : location;
  return failure('network_error', 'The address of the upload server has changed.', {
    status,
    retryable: false,
    details: { hint: `HTTP ${status} from ${url}: it redirects to ${target}. Set \`endpoint\` accordingly.` },
  });
}

/** Ends with the bytes, or with the request: then nobody waits for more. */
async function write(outgoing: ClientRequest, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  let settle = () => {};
  outgoing.once('close', () => settle());
  let writing: Promise<void> | undefined;
  for await (const piece of pieces) {
    // The next piece is read while this one goes, and its buffer is not touched before.
    await writing;
    if (outgoing.destroyed) return;
    writing = new Promise((resolve) => {
      settle = resolve;
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
        // Resumed when the socket has taken the piece before, and this one is on its way.
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
