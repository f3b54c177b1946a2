import { failure, isFailure } from './errors.ts';
import type { Transport, TransportRequest, TransportResponse } from './types.ts';

export interface Exchange {
  (
    request: Omit<TransportRequest, 'signal'>,
    outer?: AbortSignal,
    onProgress?: (loaded: number) => void,
  ): Promise<TransportResponse>;
  /** Of each request under way: gives it so many milliseconds to move. */
  watches: Set<(ms?: number) => void>;
}

/** `details` of `network_error` and `timeout`: what was tried. */
export interface Tried {
  method: string;
  /** Without the query, which is a secret. */
  url: string;
  headers: string[];
  /** Bytes of the body that the other side took. */
  moved: number;
}

/** Why a request was stopped; any other reason is somebody else's. */
const stalled = 0;

/**
 * Each request runs under a watchdog: a dead socket after a laptop's sleep and Safari's uploads that never end both
 * show as silence only.
 * @throws WaybillError `network_error` when there was no readable answer, `timeout` when nothing moved
 */
export function createExchange(transport: Transport, stallTimeoutMs: number): Exchange {
  const exchange = (async (request, outer, onProgress) => {
    const { method, url, headers } = request;
    const controller = new AbortController();
    const { signal } = controller;
    const stop = () => controller.abort();
    let moved = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const watch = (ms = stallTimeoutMs) => {
      clearTimeout(timer);
      timer = setTimeout(() => controller.abort(stalled), ms);
    };
    watch();
    exchange.watches.add(watch);
    outer?.addEventListener('abort', stop, { signal });
    try {
      return await transport.send({
        ...request,
        signal,
        onProgress:
          onProgress &&
          ((loaded) => {
            watch();
            moved = loaded;
            onProgress(loaded);
          }),
      });
    } catch (cause) {
      throw isFailure(cause)
        ? cause
        : failure(signal.reason === stalled ? 'timeout' : 'network_error', 'The connection failed. Please try again.', {
            cause,
            details: { method, url: url.split('?')[0], headers: Object.keys(headers), moved },
          });
    } finally {
      clearTimeout(timer);
      exchange.watches.delete(watch);
      // Also removes the listener from the outer signal.
      stop();
    }
  }) as Exchange;
  exchange.watches = new Set();
  return exchange;
}
