import type { Config } from '../config.ts';
import { uploadNotFound } from '../shared/errors.ts';
import type { TakeRandom } from '../shared/random-pool.ts';
import type { Claims, OpenReceipt } from './claims.ts';
import { createLedgerStates, type LedgerStatesOptions } from './ledger-states.ts';
import { buildNewUpload } from './new-upload.ts';
import { createStorageStates } from './storage-states.ts';
import type { UploadStates } from './upload-states.ts';

export interface UploadStatesContext extends Pick<LedgerStatesOptions, 'effects'> {
  config: Config;
  openReceipt: OpenReceipt;
  random: TakeRandom;
}

/** In the ledger, or without one in the storage. */
export function createUploadStates({ config, openReceipt, random, effects }: UploadStatesContext): UploadStates {
  const { storage, stagingPrefix, ledger, now } = config;
  if (!ledger) return createStorageStates({ storage, stagingPrefix, random, openReceipt });
  return createLedgerStates({
    ledger,
    effects,
    now,
    async recordUnknownUpload(claims: Claims) {
      const route = config.routes.get(claims.route);
      // Such metadata, and the upload that a shared file comes from, were only in the ledger.
      if (!route || claims.metadataInLedger || claims.shared) throw uploadNotFound();
      const transfer = claims.partSize === null ? 'put' : 'multipart';
      await ledger.grant([buildNewUpload(config, route, claims, transfer, { owner: null, route: null })]);
    },
  });
}
