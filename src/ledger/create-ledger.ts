/** Migrates the schema or checks its version, and assembles the methods of a ledger over one database. */
import type { Ledger } from '../server/index.ts';
import { createAudit } from './audit.ts';
import { createCounts } from './counts.ts';
import type { Database } from './database.ts';
import { createEndCallbacks } from './end-callbacks.ts';
import { createFiles } from './files.ts';
import { createGranting } from './grant.ts';
import { createLists } from './lists.ts';
import { migrate, requireCurrentSchema } from './migrations.ts';
import { createOutbox } from './outbox.ts';
import { createStates } from './states.ts';
import { createSweeps } from './sweeps.ts';
import { findOwnerUsage, listOwnerUsage } from './usage.ts';

/** @param shouldMigrate false when the schema must be up to date already, see `waybill migrate` */
export async function createLedger(database: Database, shouldMigrate: boolean): Promise<Ledger> {
  try {
    await (shouldMigrate ? migrate(database) : requireCurrentSchema(database));
  } catch (error) {
    await database.close();
    throw error;
  }
  return {
    kind: database.kind,
    grant: createGranting(database),
    ...createStates(database),
    ...createEndCallbacks(database),
    ...createLists(database),
    ...createCounts(database),
    ...createSweeps(database),
    ...createOutbox(database),
    ...createFiles(database),
    ...createAudit(database),
    usage: (ownerId) => findOwnerUsage(database, ownerId),
    usageByOwner: (options) => listOwnerUsage(database, options),
    close: () => database.close(),
  };
}
