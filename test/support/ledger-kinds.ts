/**
 * The ledgers that the suites run against. `WAYBILL_LEDGERS` names them, separated by commas. Its default leaves out
 * MariaDB, which `npm run test:all` includes.
 */
import type { Ledger } from '../../src/server/index.ts';

const selected = (process.env.WAYBILL_LEDGERS ?? 'sqlite,postgres').split(',');

export const isLedgerSelected = (kind: Ledger['kind']): boolean => selected.includes(kind);
