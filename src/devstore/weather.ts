/** Trouble on demand, so that clients can be tested against it: slow, gone, overloaded, lying. */

export interface WeatherRequest {
  method: string;
  bucket: string | undefined;
  key: string | undefined;
  /** `x-id` of the AWS SDK, sub-resources and so on; never signatures. */
  query: readonly string[];
}

export interface Weather {
  /** Which requests the fault applies to. @default all @example ({ method }) => method === 'PUT' */
  when?: (request: WeatherRequest) => boolean;
  /** How often it applies, from 0 to 1, drawn for each request with the store's `random`. @default 1 @example 0.2 */
  probability?: number;
  /** Wait before doing anything, in milliseconds. @default 0 @example 500 */
  delayMs?: number;
  /** Answer 503 SlowDown instead of doing anything. @default off @example { retryAfterSeconds: 1 } */
  slowDown?: { retryAfterSeconds?: number };
  /** Break the connection after so many bytes of the request's body; 0: at once. @default off @example 65_536 */
  dropRequestAfterBytes?: number;
  /**
   * Break the connection after so many bytes of the answer's body; 0: before its first byte, when the work is done.
   * @default off @example 0
   */
  dropResponseAfterBytes?: number;
  /** End the answer's body after so many bytes, with a Content-Length that says the same. @default off @example 100 */
  truncateResponseTo?: number;
  /** Flip one bit in the answer's body. @default false @example true */
  corruptResponse?: boolean;
  /** Set the store's clock ahead by so many seconds, or back when negative. @default 0 @example 900 */
  clockSkewSeconds?: number;
  /** Treat presigned requests and forms as expired. @default false @example true */
  expire?: boolean;
}

export interface Climate {
  set(weather: Weather | readonly Weather[] | undefined): void;
  /** What falls on this request; later entries win where two speak of the same thing. */
  forecast(request: WeatherRequest): Weather;
  /** Of those entries that hold for all requests: a clock is one for everybody. */
  clockSkewMs(): number;
}

export function createClimate(random: () => number, initial?: Weather | readonly Weather[]): Climate {
  let entries: readonly Weather[] = [];
  const set: Climate['set'] = (weather) => {
    entries = weather === undefined ? [] : Array.isArray(weather) ? [...(weather as Weather[])] : [weather as Weather];
  };
  set(initial);
  return {
    set,
    forecast(request) {
      const falling = entries.filter(
        ({ when, probability }) =>
          (when === undefined || when(request)) && (probability === undefined || random() < probability),
      );
      return Object.assign({}, ...falling) as Weather;
    },
    clockSkewMs: () => entries.reduce((sum, { clockSkewSeconds = 0 }) => sum + clockSkewSeconds, 0) * 1000,
  };
}
