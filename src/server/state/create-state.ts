/** Where it is recorded how an upload stands: in the ledger, or without one in the storage itself. */

import type { Config } from '../config.ts';
import type { Grants } from '../grants/grants.ts';
import { uploadNotFound } from '../shared/errors.ts';
import type { TakeRandom } from '../shared/random-pool.ts';
import { messagesFor } from '../webhooks/messages.ts';
import type { Claims, OpenedGrant } from './claims.ts';
import type { Ending, Ledger } from './ledger.ts';
import { createLedgerMarkers, createLedgerSidecars } from './ledger-state.ts';
import { recordOf } from './new-upload.ts';
import { createSidecars, type Sidecars } from './sidecars.ts';
import { createStorageMarkers, type Markers } from './storage-state.ts';

export interface UploadStatesContext {
  config: Config;
  grants: Pick<Grants, 'openReceipt'>;
  random: TakeRandom;
}

export interface UploadStates {
  markers: Markers;
  sidecars: Sidecars;
  /** The new file has its key: what earlier uploads stored there is gone. */
  replaced(claims: Claims): Promise<void>;
  /** Records that a completed upload was replaced by a later one before its own record was written. */
  replacedBefore(claims: Claims): Promise<void>;
  /** Records that the file of this upload is deleted, whatever was recorded before. */
  deleted(uploadId: string): Promise<void>;
}

export function createUploadStates({ config, grants, random }: UploadStatesContext): UploadStates {
  const { storage, stagingPrefix, ledger, now } = config;
  if (!ledger) {
    const markers = createStorageMarkers({ storage, stagingPrefix, random });
    return {
      markers,
      sidecars: createSidecars({ storage, stagingPrefix, grants }),
      // Views and deletes compare the upload of a reference with the object's.
      async replaced() {},
      async replacedBefore() {},
      deleted: markers.deleted,
    };
  }

  async function adopt(claims: Claims): Promise<void> {
    const route = config.routes.get(claims.route);
    // What it would need was only on record.
    if (!route || claims.metadataInLedger || claims.shared) throw uploadNotFound();
    const transfer = claims.partSize === null ? 'put' : 'multipart';
    await (ledger as Ledger).grant([recordOf(config, route, claims, transfer, { owner: null, route: null })]);
  }

  const { webhooks } = config;
  const messages = webhooks && ((claims: Claims, ending: Ending) => messagesFor(webhooks, claims, ending, now));
  return {
    markers: createLedgerMarkers({ ledger, adopt, messages, now }),
    sidecars: createLedgerSidecars(ledger),
    async replaced({ key }) {
      while (await ledger.delete({ key }));
    },
    async replacedBefore({ uploadId }) {
      await ledger.delete({ uploadId });
    },
    async deleted(uploadId) {
      await ledger.delete({ uploadId });
    },
  };
}

/** Metadata that was too long to travel is asked for when a grant comes back. */
export async function withMetadata(ledger: Ledger | undefined, opened: OpenedGrant): Promise<OpenedGrant> {
  const { claims } = opened;
  if (!claims.metadataInLedger) return opened;
  const record = await ledger?.find(claims.uploadId);
  if (!record) throw uploadNotFound();
  const { metadataInLedger: _, ...rest } = claims;
  return { ...opened, claims: { ...rest, metadata: record.metadata } };
}
