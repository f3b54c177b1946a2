/** `waybill migrate`: migrates the schema of the ledger before replicas of a new version start. */
import { migrateLedger } from '../ledger/index.ts';
import { readLedgerUrl, toLedgerError } from './app/open-app.ts';
import { readVariables } from './app/variables.ts';
import { environmentError, exitCodes } from './cli-error.ts';
import type { CommandSpec } from './command.ts';

export const migrateCommand: CommandSpec = {
  name: 'migrate',
  summary: 'Migrate the schema of the ledger',
  description: [
    'Migrates the ledger that WAYBILL_LEDGER names, under a lock. `waybill serve`',
    'also does so when it starts; run this command where replicas start one by one.',
  ].join('\n'),
  options: [{ name: 'check', summary: 'Only check whether a migration is needed' }],
  examples: [
    ['waybill migrate', 'migrates ./waybill.db, or what WAYBILL_LEDGER names'],
    ['waybill migrate --check', 'exits with 1 when a migration is needed'],
  ],
  exits: [
    [exitCodes.done, 'the schema is up to date'],
    [exitCodes.failed, 'with --check: a migration is needed'],
    [exitCodes.environment, 'the ledger cannot be opened, or its schema is newer than this Waybill'],
  ],
  async run(input, terminal) {
    const url = readLedgerUrl(readVariables(terminal));
    if (url === null) throw environmentError('WAYBILL_LEDGER is "none", so there is no ledger to migrate.');
    const check = input.has('check');
    const { from, to, newest } = await migrateLedger(url, { check }).catch((error) => {
      throw toLedgerError(error);
    });
    if (to > newest)
      throw environmentError(`The ledger was migrated by a newer Waybill (schema ${to} > ${newest}). Update Waybill.`);
    if (check && to < newest) {
      terminal.out(`Version ${from} of the schema; ${newest} is the newest.`);
      return exitCodes.failed;
    }
    terminal.out(
      from === to
        ? `Version ${to} of the schema: up to date.`
        : `Migrated from version ${from} of the schema to ${to}.`,
    );
    return exitCodes.done;
  },
};
