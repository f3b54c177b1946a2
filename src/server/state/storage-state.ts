/**
 * Without a ledger the storage remembers how an upload ended: one small object beside the staging keys, created with
 * If-None-Match, so that of all processes one promotes an upload, and an unexpired URL never brings a refused, aborted
 * or deleted one back. Markers must outlive the URLs: the lifecycle rule of the staging prefix collects both
 * (DESIGN section 7, 3). With a ledger its rows are the markers, see `ledger-markers.ts`.
 */
import type { StoredFile, WireError } from '../../protocol/index.ts';
import type { Storage } from '../../s3/index.ts';
import type { TakeRandom } from '../shared/random-pool.ts';
import { isPreconditionFailed } from '../shared/storage-errors.ts';
import type { Claims, Settled } from './claims.ts';

export type Marker =
  /** Someone copies and calls back. After `leaseUntil` (milliseconds since the epoch) anyone may take over. */
  | { state: 'promoting'; leaseUntil: number }
  | { state: 'completed'; file: StoredFile; data: unknown }
  | { state: 'rejected'; error: WireError }
  | { state: 'aborted' }
  | { state: 'deleted' }
  /** Given up by the sweep of a ledger. Whoever finds the object all the same goes on (DESIGN section 7, 4). */
  | { state: 'expired' };

/** What a claim may begin with. */
export type Claim = Extract<Marker, { state: 'promoting' | 'rejected' | 'aborted' }>;

export interface HeldMarker {
  marker: Marker;
  /** What a later {@link Markers.replace} must find unchanged. */
  version: string;
}

export interface Claimed {
  held: HeldMarker | null;
  version: string;
  /** Ours, and somebody began before us and did not end. */
  takenOver: boolean;
}

export interface Markers {
  /** Creates the marker. Says whose it is now: ours (`null`) or another's that was there first. */
  claim(claims: Claims, marker: Claim): Promise<Claimed>;
  read(uploadId: string): Promise<HeldMarker | null>;
  /** Null when someone changed it since `version`. */
  replace(claims: Claims, marker: Claim, version: string): Promise<{ version: string } | null>;
  /** Whoever asks next may go on at once. Never throws. */
  release(claims: Claims, version: string): Promise<void>;

  /** onComplete is about to run. Null when somebody else has the upload by now: it must not. */
  calling(claims: Settled, version: string): Promise<{ version: string } | null>;
  /** onComplete threw. Like {@link Markers.release}, and whoever tries again on its own account learns when. */
  callbackFailed(claims: Claims, version: string, reason: string): Promise<void>;
  /** `inspect` threw, with nobody's lease on the upload: whoever tries again on its own account learns when. */
  inspectFailed(claims: Claims, reason: string): Promise<void>;
  /** What onComplete gave. False when somebody else has the upload by now, and its result counts. */
  completed(claims: Settled, result: { file: StoredFile; data: unknown }, version: string): Promise<boolean>;
}

export interface StorageMarkers extends Markers {
  /** Whatever was there. */
  deleted(uploadId: string): Promise<void>;
}

/** Enough for a stored result; nothing but ours is ever read. */
const maxMarkerBytes = 4 * 1024 * 1024;

export function createStorageMarkers(options: {
  storage: Storage;
  stagingPrefix: string;
  random: TakeRandom;
}): StorageMarkers {
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

  async function replace(uploadId: string, marker: Marker, version?: string): Promise<{ version: string } | null> {
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
  }

  async function release({ uploadId }: Claims, version?: string): Promise<void> {
    await replace(uploadId, { state: 'promoting', leaseUntil: 0 }, version).catch(() => null);
  }

  return {
    async claim({ uploadId }, marker) {
      const writer = random(12).toString('hex');
      if (!once) {
        // Such a storage cannot arbitrate: the callback may run in two processes at once, as "at least once" allows.
        const there = await read(uploadId);
        if (there) return { held: there, version: there.version, takenOver: false };
      }
      // Two rounds: the marker that was in the way may be gone when it is read.
      for (let round = 0; ; round += 1) {
        try {
          const version = await write(uploadId, marker, writer, once ? { ifNoneMatch: '*' } : {});
          return { held: null, version, takenOver: false };
        } catch (error) {
          if (!isPreconditionFailed(error) || round === 1) throw error;
        }
        const there = await read(uploadId);
        // The echo of our own write, whose answer was lost.
        if (there?.writer === writer) return { held: null, version: there.version, takenOver: false };
        if (there) return { held: there, version: there.version, takenOver: false };
      }
    },

    read,

    replace: ({ uploadId }, marker, version) => replace(uploadId, marker, version),
    release,

    calling: async (_, version) => ({ version }),
    callbackFailed: release,
    async inspectFailed() {},

    async completed(claims, result, _) {
      // Whatever was there: the callback has run, and a second result would not be better.
      try {
        await replace(claims.uploadId, { state: 'completed', ...result });
      } catch (error) {
        await release(claims);
        throw error;
      }
      return true;
    },

    async deleted(uploadId) {
      await replace(uploadId, { state: 'deleted' });
    },
  };
}
