/**
 * One request and its answer, in the least that storage calls need. Over node:http (`node-exchange.ts`) that is all there
 * is; an app's own `fetch` is put under it here.
 */
import type { Deadline } from './deadline.ts';

export interface ExchangeRequest {
  method: string;
  /** `http://store.test:9000` */
  origin: string;
  /** Path and query, encoded. */
  target: string;
  /** Lower-case names, `host` among them. */
  headers: Readonly<Record<string, string>>;
  body: Uint8Array | undefined;
  /** Ends it at any time, also while the body is read. */
  signal: AbortSignal | undefined;
  deadline: Deadline;
}

export interface Exchanged {
  status: number;
  /** Lower-case names. */
  headers: AnswerHeaders;
  /** The whole body, each piece of which is good for another deadline. Null when it is longer: then it is dropped. */
  bytes(maxBytes: number): Promise<Buffer | null>;
  /** The body as it comes. It must be consumed or cancelled. */
  stream(): ReadableStream<Uint8Array>;
  drop(): void;
}

export type AnswerHeaders = Readonly<Record<string, string>>;

export type Exchange = (request: ExchangeRequest) => Promise<Exchanged>;

export function fetchExchange(send: typeof fetch): Exchange {
  return async ({ method, origin, target, headers, body, signal, deadline }) => {
    const controller = new AbortController();
    deadline.onOver(() => controller.abort());
    // Fetch says it itself.
    const { host, ...toSend } = headers;
    const response = await send(`${origin}${target}`, {
      method,
      headers: toSend,
      // A redirect names another region; following it would carry the signature there.
      redirect: 'manual',
      signal: signal ? AbortSignal.any([controller.signal, signal]) : controller.signal,
      ...(addsCacheControl(method, headers) ? { cache: 'force-cache' } : {}),
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
            deadline.restart();
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
 * Beside a condition, fetch adds `Cache-Control: no-cache` unless it is told to use a cache (which a PUT never does), and
 * the storage would keep it with the object. https://fetch.spec.whatwg.org/#http-network-or-cache-fetch
 */
function addsCacheControl(method: string, headers: Readonly<Record<string, string>>): boolean {
  return method === 'PUT' && !('cache-control' in headers) && ('if-none-match' in headers || 'if-match' in headers);
}
