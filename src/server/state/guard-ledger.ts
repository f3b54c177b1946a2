import { isWaybillError, WaybillError } from '../../protocol/index.ts';
import type { Ledger } from './ledger.ts';

/**
 * Turns the errors of the database into `ledger_unavailable`, which is worth another try. Their text is only for the
 * log.
 */
export function guardLedger(ledger: Ledger): Ledger {
  return new Proxy(ledger, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return async (...args: unknown[]) => {
        try {
          return await value.apply(target, args);
        } catch (cause) {
          if (isWaybillError(cause)) throw cause;
          throw new WaybillError('ledger_unavailable', 'Uploads are not available right now.', {
            cause,
            details: { hint: 'The database of the ledger does not answer. The log of the server says why.' },
          });
        }
      };
    },
  });
}
