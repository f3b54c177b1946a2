/**
 * Without a ledger the storage remembers how an upload ended: one small object beside the staging keys, created with
 * If-None-Match, so that of all processes one promotes an upload, and an unexpired URL never brings a refused, aborted
 * or deleted one back. Markers must outlive the URLs: the lifecycle rule of the staging prefix collects both
 * (DESIGN section 7, 3). A ledger implements {@link Markers} with a row.
 */
import type { StoredFile, WireError } from '../protocol/index.ts';
import { isS3Error } from '../s3/s3-error.ts';
import type { Storage } from '../s3/types.ts';
import type { TakeRandom } from './random-pool.ts';

export type Marker =
  /** Someone copies and calls back. After `leaseUntil` (milliseconds since the epoch) anyone may take over. */
  | { state: 'promoting'; leaseUntil: number }
  | { state: 'completed'; file: StoredFile; data: unknown }
  | { state: 'rejected'; error: WireError }
  | { state: 'aborted' }
  | { state: 'deleted' };

export interface HeldMarker {
  marker: Marker;
  /** What a later {@link Markers.replace} must find unchanged. */
  version: string;
}

export interface Markers {
  /** Creates the marker. Says whose it is now: ours (`null`) or another's that was there first. */
  claim(uploadId: string, marker: Marker): Promise<{ held: HeldMarker | null; version: string }>;
  read(uploadId: string): Promise<HeldMarker | null>;
  /** False when someone changed it since `version`. Without a version it is written whatever was there. */
  replace(uploadId: string, marker: Marker, version?: string): Promise<{ version: string } | null>;
}

/** Enough for a stored result; nothing but ours is ever read. */
const maxMarkerBytes = 4 * 1024 * 1024;

export function createStorageMarkers(options: {
  storage: Storage;
  stagingPrefix: string;
  random: TakeRandom;
}): Markers {
  const { storage, random } = options;
  const { once } = storage.capabilities;
  const keyOf = (uploadId: string) => `${options.stagingPrefix}.waybill/${uploadId}`;

  async function read(uploadId: string): Promise<(HeldMarker & { writer: string }) | null> {
    const found = await storage.read(keyOf(uploadId), { maxBytes: maxMarkerBytes });
    if (!found) return null;
    if (!found.bytes) throw new Error('An upload marker is larger than any we write.');
    const { writer, ...marker } = JSON.parse(Buffer.from(found.bytes).toString()) as Marker & { writer: string };
    return { marker, version: found.info.etag, writer };
  }

  async function write(uploadId: string, marker: Marker, writer: string, condition: object): Promise<string> {
    const body = JSON.stringify({ ...marker, writer });
    const stored = await storage.put({ key: keyOf(uploadId), body, contentType: 'application/json', ...condition });
    return stored.etag;
  }

  return {
    async claim(uploadId, marker) {
      const writer = random(12).toString('hex');
      if (!once) {
        // Such a storage cannot arbitrate: the callback may run in two processes at once, as "at least once" allows.
        const there = await read(uploadId);
        if (there) return { held: there, version: there.version };
      }
      // Two rounds: the marker that was in the way may be gone when it is read.
      for (let round = 0; ; round += 1) {
        try {
          const version = await write(uploadId, marker, writer, once ? { ifNoneMatch: '*' } : {});
          return { held: null, version };
        } catch (error) {
          if (!isPreconditionFailed(error) || round === 1) throw error;
        }
        const there = await read(uploadId);
        // The echo of our own write, whose answer was lost.
        if (there?.writer === writer) return { held: null, version: there.version };
        if (there) return { held: there, version: there.version };
      }
    },

    read,

    async replace(uploadId, marker, version) {
      const writer = random(12).toString('hex');
      try {
        // Without quotes, as AWS's own examples send it: Ceph compares the letters of the header with its ETag.
        const condition = once && version !== undefined ? { ifMatch: version.replaceAll('"', '') } : {};
        return { version: await write(uploadId, marker, writer, condition) };
      } catch (error) {
        if (!isPreconditionFailed(error)) throw error;
        const there = await read(uploadId);
        return there?.writer === writer ? { version: there.version } : null;
      }
    },
  };
}

export function isPreconditionFailed(error: unknown): boolean {
  return isS3Error(error) && error.status === 412;
}

export function isMissing(error: unknown): boolean {
  return isS3Error(error) && error.status === 404;
}
