/** `waybill migrate`: brings the ledger's schema up to date, before replicas of a new version start. */
import { migrateLedger } from '../ledger/index.ts';
import { ledgerProblem, ledgerUrl } from './app/open-app.ts';
import { readVariables } from './app/variables.ts';
import { environmentError, exitCodes } from './cli-error.ts';
import type { CommandSpec } from './command.ts';

export const migrateCommand: CommandSpec = {
  name: 'migrate',
  summary: "Bring the ledger's schema up to date",
  description: [
    'Migrates the ledger that WAYBILL_LEDGER names, under a lock. `waybill serve`',
    'does so at its start as well; run this where replicas start one by one.',
  ].join('\n'),
  options: [{ name: 'check', summary: 'Only say whether there is something to do' }],
  examples: [
    ['waybill migrate', 'migrates ./waybill.db, or what WAYBILL_LEDGER names'],
    ['waybill migrate --check', 'exits with 1 when there is something to do'],
  ],
  exits: [
    [exitCodes.done, 'the schema is up to date'],
    [exitCodes.failed, 'with --check: it is not'],
    [exitCodes.environment, 'the ledger cannot be opened, or is of a newer Waybill'],
  ],
  async run(input, terminal) {
    const url = ledgerUrl(readVariables(terminal));
    if (url === null) throw environmentError('WAYBILL_LEDGER is none: there is nothing to migrate.');
    const check = input.has('check');
    const { from, to, newest } = await migrateLedger(url, { check }).catch((error) => {
      throw ledgerProblem(error);
    });
    if (to > newest)
      throw environmentError(`The ledger has version ${to} of the schema, and this Waybill knows ${newest}.`);
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
