/** The marker objects of uploads: reads and conditional writes. storage-states.ts says what they are for. */
import type { Storage } from '../../s3/index.ts';
import type { TakeRandom } from '../shared/random-pool.ts';
import { isPreconditionFailed } from '../shared/storage-errors.ts';
import type { RecordedState, RecordedUpload } from './upload-states.ts';

/** Enough for a stored result. Only markers that Waybill wrote are read. */
const maxMarkerBytes = 4 * 1024 * 1024;

/** Earlier versions wrote `promoting`. */
type MarkerBody = (RecordedState | { state: 'promoting'; leaseUntil: number }) & { writer: string };

interface FoundMarker extends RecordedUpload {
  /** A random text of the write, which tells a lost answer to our own write from a write of another process. */
  writer: string;
}

export interface Markers {
  read(uploadId: string): Promise<FoundMarker | null>;
  /** Returns the fence of the new marker, or the marker that is there already. */
  create(uploadId: string, first: RecordedState): Promise<{ fence: string } | { held: FoundMarker }>;
  /**
   * Returns the fence of the new marker, or null when another process has replaced the marker of the given fence.
   * Without a fence the write is unconditional.
   */
  replace(uploadId: string, next: RecordedState, fence?: string): Promise<string | null>;
}

export function createMarkers(options: { storage: Storage; stagingPrefix: string; random: TakeRandom }): Markers {
  const { storage, stagingPrefix, random } = options;
  const { once } = storage.capabilities;
  const keyOf = (uploadId: string) => `${stagingPrefix}.waybill/${uploadId}`;

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

  return {
    read,

    async create(uploadId, first) {
      const writer = random(12).toString('hex');
      if (!once) {
        // Such a storage cannot arbitrate: the callback may run in two processes at once, as "at least once" allows.
        const found = await read(uploadId);
        if (found) return { held: found };
      }
      // Two rounds, because the marker that refused the write may be deleted before it is read.
      for (let round = 0; ; round += 1) {
        try {
          return { fence: await write(uploadId, first, writer, once ? { ifNoneMatch: '*' } : {}) };
        } catch (error) {
          if (!isPreconditionFailed(error) || round === 1) throw error;
        }
        const found = await read(uploadId);
        // Our own write, whose answer was lost.
        if (found?.writer === writer) return { fence: found.fence };
        if (found) return { held: found };
      }
    },

    async replace(uploadId, next, fence) {
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
    },
  };
}
