export interface Rate {
  /** How many files or calls are allowed in one period. @example 600 */
  points: number;
  /** The length of the period, in seconds. @example 60 */
  perSeconds: number;
}

/** A counter of rate-limiter-flexible. It rejects with `{ msBeforeNext }` when the limit is reached. */
export interface RateLimiter {
  consume(key: string, points: number): Promise<unknown>;
}

export interface RateLimitStore {
  /** `name` separates the counters. */
  open(name: string, rate: Rate): RateLimiter | Promise<RateLimiter>;
}
