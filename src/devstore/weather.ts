/** Trouble on demand, so that clients can be tested against it: slow, gone, overloaded, lying. */

export interface WeatherRequest {
  method: string;
  bucket: string | undefined;
  key: string | undefined;
  /** `x-id` of the AWS SDK, sub-resources and so on; never signatures. */
  query: readonly string[];
}

export interface Weather {
  /** Which requests it falls on. @default all */
  when?: (request: WeatherRequest) => boolean;
  /** 0 to 1, drawn for each request with the store's `random`. @default 1 */
  probability?: number;
  /** Wait before doing anything. */
  delayMs?: number;
  /** Answer 503 SlowDown instead of doing anything. */
  slowDown?: { retryAfterSeconds?: number };
  /** Break the connection after so many bytes of the request's body; 0: at once. */
  dropRequestAfterBytes?: number;
  /** Break the connection after so many bytes of the answer's body; 0: before its first byte, when all is done. */
  dropResponseAfterBytes?: number;
  /** End the answer's body early and say so in its Content-Length, as a lying proxy does. */
  truncateResponseTo?: number;
  /** Flip one bit in the answer's body. */
  corruptResponse?: boolean;
  /** The store's clock is ahead (or behind, when negative). */
  clockSkewSeconds?: number;
  /** Treat presigned requests and forms as expired. */
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
