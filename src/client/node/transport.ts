/**
 * node:http and node:https, because fetch in Node knows no progress and sends a stream without its length, which no
 * storage takes.
 */
import { randomUUID } from 'node:crypto';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Source, Transport, TransportRequest, TransportResponse } from '../types.ts';
import type { FileSource } from './file-source.ts';
import { frameForm } from './multipart-form.ts';

/** An answer longer than this is not one of ours. */
const maxAnswerBytes = 4 * 1024 * 1024;
const readBytes = 1024 * 1024;

export interface NodeTransportOptions {
  /** Ends idle connections when the process should not wait for them. @default connections stay for a few seconds */
  keepAlive?: boolean;
}

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
    outgoing.once('error', reject);
  });
  // A storage may refuse before it has read everything, and then closes: the answer counts, not the broken pipe.
  const sent = pipeline(Readable.from(parts(onProgress)), outgoing);
  const broken = sent.then(
    () => new Promise<never>(() => {}),
    async (error) => {
      await Promise.race([answered.catch(() => {}), new Promise((resolve) => setImmediate(resolve))]);
      throw error;
    },
  );
  const response = await Promise.race([answered, broken]);
  const text = await readText(response);
  // What is not wanted any more is not sent.
  if (!outgoing.writableFinished) outgoing.destroy();
  return {
    status: response.statusCode ?? 0,
    text,
    header: (name) => {
      const value = response.headers[name];
      return Array.isArray(value) ? value[0] : value;
    },
  };
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
        // Resumed when the socket has taken the piece.
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
  if (openStream) yield* await openStream();
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
