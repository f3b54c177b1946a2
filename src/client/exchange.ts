import { failure, isFailure } from './errors.ts';
import type { Transport, TransportRequest, TransportResponse } from './types.ts';

export interface Exchange {
  (
    request: Omit<TransportRequest, 'signal'>,
    outerSignal?: AbortSignal,
    onProgress?: (loaded: number) => void,
  ): Promise<TransportResponse>;
  /** One function for each request under way. It gives the request `ms` milliseconds to send another byte. */
  watchdogs: Set<(ms?: number) => void>;
  /** Set by recovery/wake-up.ts. */
  isWatched?: boolean;
}

/** `details` of `network_error` and `timeout`: the request that failed. */
export interface RequestDetails {
  method: string;
  /** Without the query, which is a secret. */
  url: string;
  /** Names only. */
  headers: string[];
  /** Bytes of the body that were sent. */
  moved: number;
}

/**
 * Sends a request, and stops it when no byte was sent for a while: a connection that broke while the device slept, and
 * uploads that never end in Safari, cause no error.
 * @throws WaybillError `network_error` when there was no readable answer, `timeout` when no byte was sent for too long
 */
export function createExchange(transport: Transport, stallTimeoutMs: number): Exchange {
  const exchange: Exchange = async (request, outerSignal, onProgress) => {
    const { method, url, headers } = request;
    const controller = new AbortController();
    const { signal } = controller;
    const stop = () => controller.abort();
    let moved = 0;
    let isStalled = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const watch = (ms = stallTimeoutMs) => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        isStalled = true;
        stop();
      }, ms);
    };
    watch();
    exchange.watchdogs.add(watch);
    outerSignal?.addEventListener('abort', stop, { signal });
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
        : failure(isStalled ? 'timeout' : 'network_error', 'The connection failed. Please try again.', {
            cause,
            details: { method, url: url.split('?')[0], headers: Object.keys(headers), moved },
          });
    } finally {
      clearTimeout(timer);
      exchange.watchdogs.delete(watch);
      // This also removes the listener from the outer signal.
      stop();
    }
  };
  exchange.watchdogs = new Set();
  return exchange;
}
