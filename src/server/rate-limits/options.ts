import { WaybillError } from '../../protocol/index.ts';
import { checkOptions, isObject, isWholeNumber, type OptionRule } from '../../protocol/internal.ts';
import type { RateLimitOptions } from './rate-limits.ts';
import type { Rate } from './store.ts';

const isPoints = isWholeNumber(1, 1_000_000_000);
const isPeriod = isWholeNumber(1, 31_536_000);

const rateRule: OptionRule = {
  expected: 'an object with `points` and `perSeconds`: whole numbers from 1',
  isValid: (value) => {
    const { points, perSeconds } = (value ?? {}) as Partial<Rate>;
    return isPoints(points) && isPeriod(perSeconds);
  },
};

/** @throws {WaybillError} `config_invalid` */
export function checkRateLimit(rateLimit: RateLimitOptions, hasClientAddress: boolean): RateLimitOptions {
  checkOptions('`rateLimit`', rateLimit, {
    perOwner: rateRule,
    perAddress: rateRule,
    store: { expected: 'a store, such as postgresRateLimits({...})', isValid: isObject },
  });
  const { perOwner, perAddress } = rateLimit;
  if (!perOwner && !perAddress)
    throw new WaybillError('config_invalid', '`rateLimit` limits nothing: set `perOwner`, `perAddress`, or both.');
  if (perAddress && !hasClientAddress)
    throw new WaybillError(
      'config_invalid',
      '`rateLimit.perAddress` needs `clientAddress`, a function that returns the address of a request.',
    );
  return rateLimit;
}
