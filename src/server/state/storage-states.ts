/**
 * Without a ledger the storage holds how an upload stands, in a marker object beside the staging keys. It is created
 * with If-None-Match, so that one process completes an upload, and an unexpired URL never brings a rejected, aborted or
 * deleted upload back. Markers must outlive the URLs: the sweep and the lifecycle rule of the staging prefix delete
 * both.
 */
import type { Storage } from '../../s3/index.ts';
import type { TakeRandom } from '../shared/random-pool.ts';
import type { Claims, OpenReceipt } from './claims.ts';
import { createMarkers } from './marker-objects.ts';
import { createSidecars } from './sidecar-objects.ts';
import type { UploadStates } from './upload-states.ts';

export function createStorageStates(options: {
  storage: Storage;
  stagingPrefix: string;
  random: TakeRandom;
  openReceipt: OpenReceipt;
}): UploadStates {
  const markers = createMarkers(options);
  const sidecars = createSidecars(options);

  async function releaseLease({ uploadId }: Claims, fence: string): Promise<void> {
    await markers.replace(uploadId, { state: 'completing', leaseUntil: 0 }, fence).catch(() => null);
  }

  return {
    read: markers.read,
    releaseLease,
    replaceState: ({ uploadId }, next, fence) => markers.replace(uploadId, next, fence),

    async recordFirstState({ uploadId }, next) {
      const created = await markers.create(uploadId, next);
      return 'held' in created
        ? { kind: 'held', held: created.held }
        : { kind: 'recorded', fence: created.fence, takenOver: false };
    },

    recordCallbackStart: async (_, fence) => fence,
    recordCallbackFailure: releaseLease,
    async recordInspectFailure() {},

    async recordCompletion({ uploadId }, result) {
      // The write is unconditional: the callback has run, so its result must be recorded even if the lease was lost.
      await markers.replace(uploadId, { state: 'completed', ...result });
      return true;
    },

    async recordDeletion(uploadId) {
      await markers.replace(uploadId, { state: 'deleted' });
    },

    // Views and deletes compare the upload of a reference with the object's.
    recordReplacement: async () => [],
    async recordReplacedBy() {},

    saveReceipt: sidecars.write,
    findGrant: sidecars.read,
    deleteReceipt: sidecars.delete,
  };
}
