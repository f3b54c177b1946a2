/** Deliberate faults, so that clients can be tested against slow, failing and faulty responses. */

export interface StoreFaultRequest {
  method: string;
  bucket: string | undefined;
  key: string | undefined;
  /** The names of query parameters: sub-resources, `x-id` of the AWS SDK and so on, never those of signatures. */
  query: readonly string[];
}

export interface StoreFault {
  /** Which requests the fault applies to. @default all @example ({ method }) => method === 'PUT' */
  when?: (request: StoreFaultRequest) => boolean;
  /** How often it applies, from 0 to 1, drawn for each request with the store's `random`. @default 1 @example 0.2 */
  probability?: number;
  /** Wait before handling the request, in milliseconds. @default 0 @example 500 */
  delayMs?: number;
  /** Answer 503 SlowDown instead of handling the request. @default off @example { retryAfterSeconds: 1 } */
  slowDown?: { retryAfterSeconds?: number };
  /** Close the connection after this many bytes of the request body; 0: at once. @default off @example 65_536 */
  dropRequestAfterBytes?: number;
  /**
   * Close the connection after this many bytes of the response body; 0: before the first byte, after the request was
   * handled. @default off @example 0
   */
  dropResponseAfterBytes?: number;
  /** End the response body after this many bytes, with the same Content-Length. @default off @example 100 */
  truncateResponseTo?: number;
  /** Flip one bit of the response body. @default false @example true */
  corruptResponse?: boolean;
  /** Set the store's clock ahead by this many seconds; negative: behind. @default 0 @example 900 */
  clockSkewSeconds?: number;
  /** Treat presigned requests and forms as expired. @default false @example true */
  expire?: boolean;
}

export interface FaultInjector {
  set(faults: StoreFault | readonly StoreFault[] | undefined): void;
  /** Merges the faults that apply to this request. A later fault overrides an earlier one. */
  select(request: StoreFaultRequest): StoreFault;
  /** The sum of all faults: the clock is the same for every request. */
  clockSkewMs(): number;
}

export function createFaultInjector(random: () => number, initial?: StoreFault | readonly StoreFault[]): FaultInjector {
  let faults: readonly StoreFault[] = [];
  const set: FaultInjector['set'] = (next) => {
    faults = next === undefined ? [] : Array.isArray(next) ? [...(next as StoreFault[])] : [next as StoreFault];
  };
  set(initial);
  return {
    set,
    select(request) {
      const applying = faults.filter(
        ({ when, probability }) =>
          (when === undefined || when(request)) && (probability === undefined || random() < probability),
      );
      return Object.assign({}, ...applying) as StoreFault;
    },
    clockSkewMs: () => faults.reduce((sum, { clockSkewSeconds = 0 }) => sum + clockSkewSeconds, 0) * 1000,
  };
}
