/**
 * The HTTP interface that storage calls are written against: one request and its response. `node-exchange.ts`
 * implements it with node:http, and this file with a `fetch` that the app brings.
 */
import type { IdleTimeout } from './idle-timeout.ts';

export interface ExchangeRequest {
  method: string;
  /** `http://store.test:9000` */
  origin: string;
  /** Path and query, encoded. */
  target: string;
  /** Lower-case names, `host` among them. */
  headers: Readonly<Record<string, string>>;
  body: Uint8Array | undefined;
  /** Aborts the exchange at any time, also while the body is read. */
  signal: AbortSignal | undefined;
  idleTimeout: IdleTimeout;
}

export interface ExchangeResponse {
  status: number;
  /** Lower-case names. */
  headers: ResponseHeaders;
  /**
   * Reads the whole body; each piece restarts the idle timeout. Returns null, and discards the body, when it is longer
   * than `maxBytes`.
   */
  bytes(maxBytes: number): Promise<Buffer | null>;
  /** The unread body. It must be consumed or cancelled. */
  stream(): ReadableStream<Uint8Array>;
  /** Discards the unread body. */
  drop(): void;
}

export type ResponseHeaders = Readonly<Record<string, string>>;

export type Exchange = (request: ExchangeRequest) => Promise<ExchangeResponse>;

export function createFetchExchange(send: typeof fetch): Exchange {
  return async ({ method, origin, target, headers, body, signal, idleTimeout }) => {
    const controller = new AbortController();
    idleTimeout.onExpire(() => controller.abort());
    // fetch sets the Host header itself.
    const { host, ...toSend } = headers;
    const response = await send(`${origin}${target}`, {
      method,
      headers: toSend,
      // A redirect points to another region, and the signature must not be sent there.
      redirect: 'manual',
      signal: signal ? AbortSignal.any([controller.signal, signal]) : controller.signal,
      ...(addsCacheControl(method, headers) && hasCacheModes() ? { cache: 'force-cache' } : {}),
      ...(body ? { body: body as Uint8Array<ArrayBuffer> } : {}),
    });
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      stream: () => response.body ?? new Blob().stream(),
      drop: () => void response.body?.cancel().catch(() => {}),
      async bytes(maxBytes) {
        const pieces: Uint8Array[] = [];
        let size = 0;
        if (response.body)
          for await (const piece of response.body as ReadableStream<Uint8Array> & AsyncIterable<Uint8Array>) {
            idleTimeout.restart();
            size += piece.length;
            if (size > maxBytes) return null;
            pieces.push(piece);
          }
        return Buffer.concat(pieces, size);
      },
    };
  };
}

/**
 * With a conditional header, fetch adds `Cache-Control: no-cache` unless the cache mode says otherwise, and the storage
 * would store that header with the object. https://fetch.spec.whatwg.org/#http-network-or-cache-fetch
 */
function addsCacheControl(method: string, headers: Readonly<Record<string, string>>): boolean {
  return method === 'PUT' && !('cache-control' in headers) && ('if-none-match' in headers || 'if-match' in headers);
}

/** Workers have no cache of this kind. They add no header, and refuse the mode when a request is created. */
function hasCacheModes(): boolean {
  try {
    return new Request('https://storage.invalid', { cache: 'force-cache' }).cache === 'force-cache';
  } catch {
    return false;
  }
}
