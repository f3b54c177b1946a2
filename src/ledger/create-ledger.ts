import type { Ledger } from '../server/index.ts';
import type { Database } from './database.ts';
import { createGranting } from './grant.ts';
import { createLists } from './lists.ts';
import { migrate, requireCurrent } from './migrations.ts';
import { createOutbox } from './outbox.ts';
import { createStates } from './states.ts';
import { usageByOwner, usageOfOwner } from './usage.ts';

/** @param migrating false: the schema must be there already, see `waybill migrate` */
export async function createLedger(database: Database, migrating: boolean): Promise<Ledger> {
  try {
    await (migrating ? migrate(database) : requireCurrent(database));
  } catch (error) {
    await database.close();
    throw error;
  }
  return {
    kind: database.kind,
    grant: createGranting(database),
    ...createStates(database),
    ...createLists(database),
    ...createOutbox(database),
    usage: (ownerId) => usageOfOwner(database, ownerId),
    usageByOwner: (options) => usageByOwner(database, options),
    close: () => database.close(),
  };
}
