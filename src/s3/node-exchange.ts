/**
 * Sends storage calls over node:http, unless the app brings its own `fetch`. A completion makes five small calls, and
 * Node's fetch needs three times as much CPU for each. Connections are kept open, no redirect is followed and nothing
 * is decoded.
 */
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { Readable } from 'node:stream';
import { urlToHttpOptions } from 'node:url';
import type { Exchange, ExchangeRequest, ExchangeResponse, ResponseHeaders } from './exchange.ts';

/** Shorter than the idle timeout of storages, so that no request is sent on a connection that is being closed. */
const idleMs = 4000;
const http = new HttpAgent({ keepAlive: true, timeout: idleMs });
const https = new HttpsAgent({ keepAlive: true, timeout: idleMs });

/** @param origin where every request is sent */
export function createNodeExchange(origin: string): Exchange {
  const { protocol, hostname, port } = urlToHttpOptions(new URL(origin));
  const isSecure = protocol === 'https:';
  const createRequest = isSecure ? requestHttps : requestHttp;
  const destination = { hostname, port, agent: isSecure ? https : http };
  return (exchange) =>
    new Promise((resolve, reject) => {
      const { method, target, body, signal, idleTimeout } = exchange;
      const options = { ...destination, method, path: target, headers: listHeaders(exchange) };
      const request = createRequest(signal ? { ...options, signal } : options);
      idleTimeout.onExpire(() => request.destroy());
      request.on('error', (error) => reject(signal?.aborted ? signal.reason : error));
      request.on('response', (message) => resolve(toExchangeResponse(message, exchange)));
      request.end(body);
    });
}

/** Returns the headers as a list, because Node checks every name of an object but sends a list as it is. */
function listHeaders({ method, headers, body }: ExchangeRequest): string[] {
  const list: string[] = [];
  for (const name in headers) list.push(name, headers[name] as string);
  if (body) list.push('content-length', String(body.byteLength));
  // Without a length Node would send an empty body in chunks, which S3 does not accept.
  else if (method === 'PUT' || method === 'POST') list.push('content-length', '0');
  return list;
}

function toExchangeResponse(message: IncomingMessage, { idleTimeout }: ExchangeRequest): ExchangeResponse {
  return {
    status: message.statusCode ?? 0,
    // Every header except Set-Cookie, which is not read here, is one string.
    headers: message.headers as ResponseHeaders,
    stream: () => Readable.toWeb(message) as ReadableStream<Uint8Array>,
    drop: () => void message.destroy(),
    bytes: (maxBytes) =>
      new Promise((resolve, reject) => {
        const pieces: Buffer[] = [];
        let size = 0;
        message.on('data', (piece: Buffer) => {
          idleTimeout.restart();
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
