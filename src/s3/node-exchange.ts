/**
 * What storage calls go through unless the app brings its own `fetch`. A completion is five small calls; Node's own
 * fetch, and a Response with its web stream around node:http, cost three times as much CPU for each. Connections are
 * kept, after a HEAD too. It answers what the storage said: no redirect is followed and nothing is decoded.
 */
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { Readable } from 'node:stream';
import { urlToHttpOptions } from 'node:url';
import type { AnswerHeaders, Exchange, Exchanged, ExchangeRequest } from './exchange.ts';

/** Storages close what is idle for longer, and then a request and the end of its connection pass each other. */
const idleMs = 4000;
const http = new HttpAgent({ keepAlive: true, timeout: idleMs });
const https = new HttpsAgent({ keepAlive: true, timeout: idleMs });

/** `origin`: where all of them go. */
export function createNodeExchange(origin: string): Exchange {
  const { protocol, hostname, port } = urlToHttpOptions(new URL(origin));
  const secure = protocol === 'https:';
  const ask = secure ? requestHttps : requestHttp;
  const place = { hostname, port, agent: secure ? https : http };
  return (exchange) =>
    new Promise((resolve, reject) => {
      const { method, target, body, signal, deadline } = exchange;
      const options = { ...place, method, path: target, headers: headerList(exchange) };
      const request = ask(signal ? { ...options, signal } : options);
      deadline.onOver(() => request.destroy());
      request.on('error', (error) => reject(signal?.aborted ? signal.reason : error));
      request.on('response', (message) => resolve(answerOf(message, exchange)));
      request.end(body);
    });
}

/** As a list they go out as they are, without a look at each. */
function headerList({ method, headers, body }: ExchangeRequest): string[] {
  const list: string[] = [];
  for (const name in headers) list.push(name, headers[name] as string);
  if (body) list.push('content-length', String(body.byteLength));
  // Without a length node would send an empty body in chunks, which no S3 takes.
  else if (method === 'PUT' || method === 'POST') list.push('content-length', '0');
  return list;
}

function answerOf(message: IncomingMessage, { deadline }: ExchangeRequest): Exchanged {
  return {
    status: message.statusCode ?? 0,
    // All but Set-Cookie, which nobody asks for, are single.
    headers: message.headers as AnswerHeaders,
    stream: () => Readable.toWeb(message) as ReadableStream<Uint8Array>,
    drop: () => void message.destroy(),
    bytes: (maxBytes) =>
      new Promise((resolve, reject) => {
        const pieces: Buffer[] = [];
        let size = 0;
        message.on('data', (piece: Buffer) => {
          deadline.restart();
          size += piece.length;
          if (size <= maxBytes) pieces.push(piece);
          else {
            message.destroy();
            resolve(null);
          }
        });
        message.on('end', () => resolve(pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces, size)));
        message.on('error', reject);
      }),
  };
}
