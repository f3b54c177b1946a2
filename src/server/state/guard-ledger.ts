import { isWaybillError, WaybillError } from '../../protocol/index.ts';
import type { Ledger } from './ledger.ts';

/** A database that does not answer is a reason to try again, and its words are for the log. */
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
