/**
 * Without a ledger the storage holds how an upload stands, in a marker object beside the staging keys. It is created
 * with If-None-Match, so that one process completes an upload, and an unexpired URL never brings a rejected, aborted or
 * deleted upload back. Markers must outlive the URLs: the sweep and the lifecycle rule of the staging prefix delete
 * both.
 */
import type { Storage } from '../../s3/index.ts';
import type { TakeRandom } from '../shared/random-pool.ts';
import { isPreconditionFailed } from '../shared/storage-errors.ts';
import type { Claims, OpenReceipt } from './claims.ts';
import { createSidecars } from './sidecar-objects.ts';
import type { RecordedState, RecordedUpload, UploadStates } from './upload-states.ts';

/** Enough for a stored result. Only markers that Waybill wrote are read. */
const maxMarkerBytes = 4 * 1024 * 1024;

/** Earlier versions wrote `promoting`. */
type MarkerBody = (RecordedState | { state: 'promoting'; leaseUntil: number }) & { writer: string };

interface FoundMarker extends RecordedUpload {
  /** A random text of the write, which tells a lost answer to our own write from a write of another process. */
  writer: string;
}

export function createStorageStates(options: {
  storage: Storage;
  stagingPrefix: string;
  random: TakeRandom;
  openReceipt: OpenReceipt;
}): UploadStates {
  const { storage, stagingPrefix, random, openReceipt } = options;
  const { once } = storage.capabilities;
  const keyOf = (uploadId: string) => `${stagingPrefix}.waybill/${uploadId}`;
  const sidecars = createSidecars({ storage, stagingPrefix, openReceipt });

  async function read(uploadId: string): Promise<FoundMarker | null> {
    const found = await storage.read(keyOf(uploadId), { maxBytes: maxMarkerBytes });
    if (!found) return null;
    if (!found.bytes) throw new Error('An upload marker is larger than any that Waybill writes.');
    const { writer, ...body } = JSON.parse(Buffer.from(found.bytes).toString()) as MarkerBody;
    const current: RecordedState = body.state === 'promoting' ? { ...body, state: 'completing' } : body;
    return { current, fence: found.info.etag, writer };
  }

  async function write(uploadId: string, next: RecordedState, writer: string, condition: object): Promise<string> {
    const body = JSON.stringify({ ...next, writer });
    const stored = await storage.put({ key: keyOf(uploadId), body, contentType: 'application/json', ...condition });
    return stored.etag;
  }

  /** Without a fence the write is unconditional. */
  async function replaceMarker(uploadId: string, next: RecordedState, fence?: string): Promise<string | null> {
    const writer = random(12).toString('hex');
    try {
      // Without quotes, as in AWS's own examples: Ceph compares the text of the header with its ETag.
      const condition = once && fence !== undefined ? { ifMatch: fence.replaceAll('"', '') } : {};
      return await write(uploadId, next, writer, condition);
    } catch (error) {
      if (!isPreconditionFailed(error)) throw error;
      const found = await read(uploadId);
      return found?.writer === writer ? found.fence : null;
    }
  }

  async function releaseLease({ uploadId }: Claims, fence: string): Promise<void> {
    await replaceMarker(uploadId, { state: 'completing', leaseUntil: 0 }, fence).catch(() => null);
  }

  return {
    read,
    releaseLease,
    replaceState: ({ uploadId }, next, fence) => replaceMarker(uploadId, next, fence),

    async recordFirstState({ uploadId }, next) {
      const writer = random(12).toString('hex');
      if (!once) {
        // Such a storage cannot arbitrate: the callback may run in two processes at once, as "at least once" allows.
        const found = await read(uploadId);
        if (found) return { kind: 'held', held: found };
      }
      // Two rounds, because the marker that refused the write may be deleted before it is read.
      for (let round = 0; ; round += 1) {
        try {
          const fence = await write(uploadId, next, writer, once ? { ifNoneMatch: '*' } : {});
          return { kind: 'recorded', fence, takenOver: false };
        } catch (error) {
          if (!isPreconditionFailed(error) || round === 1) throw error;
        }
        const found = await read(uploadId);
        // Our own write, whose answer was lost.
        if (found?.writer === writer) return { kind: 'recorded', fence: found.fence, takenOver: false };
        if (found) return { kind: 'held', held: found };
      }
    },

    recordCallbackStart: async (_, fence) => fence,
    recordCallbackFailure: releaseLease,
    async recordInspectFailure() {},

    async recordCompletion({ uploadId }, result) {
      // The write is unconditional: the callback has run, so its result must be recorded even if the lease was lost.
      await replaceMarker(uploadId, { state: 'completed', ...result });
      return true;
    },

    async recordDeletion(uploadId) {
      await replaceMarker(uploadId, { state: 'deleted' });
    },

    // Views and deletes compare the upload of a reference with the object's.
    recordReplacement: async () => [],
    async recordReplacedBy() {},

    saveReceipt: sidecars.write,
    findGrant: sidecars.read,
    deleteReceipt: sidecars.delete,
  };
}
