/**
 * What storage calls go through unless the app brings its own: `fetch` in shape, node:http underneath. A completion is
 * six small calls, and Node's own fetch costs twice as much CPU for each; after every HEAD it also closes the
 * connection, so that each completion would pay for another handshake. It answers what the storage said: no redirect
 * is followed and nothing is decoded.
 */
import { Agent as HttpAgent, type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { Readable } from 'node:stream';

/** Storages close what is idle for longer, and then a request and the end of its connection pass each other. */
const idleMs = 4000;
const http = new HttpAgent({ keepAlive: true, timeout: idleMs });
const https = new HttpsAgent({ keepAlive: true, timeout: idleMs });

/** Of what `fetch` takes, what storage calls use. */
export interface StorageInit {
  method?: string;
  headers?: Readonly<Record<string, string>>;
  body?: Uint8Array;
  signal?: AbortSignal;
}

export function nodeFetch(url: string, { method = 'GET', headers = {}, body, signal }: StorageInit): Promise<Response> {
  return new Promise((resolve, reject) => {
    const secure = url.startsWith('https:');
    const options: RequestOptions = {
      method,
      headers: body ? { ...headers, 'content-length': body.byteLength } : headers,
      agent: secure ? https : http,
      ...(signal ? { signal } : {}),
    };
    const request = secure ? requestHttps(url, options) : requestHttp(url, options);
    request.on('error', (error) => reject(signal?.aborted ? signal.reason : error));
    request.on('response', (message) => {
      try {
        resolve(responseOf(message, method));
      } catch (error) {
        // A status that there is not: whoever answers so is no storage.
        reject(error);
        message.destroy();
      }
    });
    request.end(body);
  });
}

/** https://fetch.spec.whatwg.org/#null-body-status */
const withoutBody: ReadonlySet<number> = new Set([204, 205, 304]);

function responseOf(message: IncomingMessage, method: string): Response {
  const { statusCode: status = 0, rawHeaders } = message;
  const headers = new Headers();
  for (let index = 0; index < rawHeaders.length; index += 2)
    headers.append(rawHeaders[index] as string, rawHeaders[index + 1] as string);
  if (method !== 'HEAD' && !withoutBody.has(status))
    return new Response(Readable.toWeb(message) as ReadableStream<Uint8Array<ArrayBuffer>>, { status, headers });
  message.resume();
  return new Response(null, { status, headers });
}
