export interface Rate {
  /** How many files or calls are allowed in one period. @example 600 */
  points: number;
  /** The length of the period, in seconds. @example 60 */
  perSeconds: number;
}

/** One counter, as rate-limiter-flexible has them: it rejects with `{ msBeforeNext }` when there is no room. */
export interface RateLimiter {
  consume(key: string, points: number): Promise<unknown>;
}

export interface RateLimitStore {
  /** `name` keeps counters apart. */
  open(name: string, rate: Rate): RateLimiter | Promise<RateLimiter>;
}
