import type { Storage } from '../../s3/types.ts';
import type { Config } from '../config.ts';
import type { Emit } from '../events.ts';
import { eventFacts } from '../events.ts';
import { beingCompleted, uploadEnded } from '../shared/errors.ts';
import { isUploadId } from '../shared/upload-id.ts';
import type { OpenedGrant } from '../state/claims.ts';
import type { Sidecars } from '../state/sidecars.ts';
import type { Markers, StorageMarkers } from '../state/storage-state.ts';
import { deleteSeen, uploadIdHeader } from '../state/stored-object.ts';
import { discard } from './lease.ts';
import { withdraw } from './promote.ts';

export interface AbortDependencies {
  config: Config;
  markers: Markers;
  sidecars: Sidecars;
  emit: Emit | undefined;
  settled: (uploadId: string) => Promise<void>;
}

/**
 * Records the end first and deletes then: a completion that looked before the delete finds the record when it claims.
 *
 * @throws {WaybillError} `upload_conflict` when it is a file already, or about to be
 */
export async function abortUpload(dependencies: AbortDependencies, opened: OpenedGrant): Promise<void> {
  const { claims } = opened;
  const { config, markers, emit } = dependencies;
  await dependencies.settled(claims.uploadId);
  const { held } = await markers.claim(claims, { state: 'aborted' });
  if (held) {
    const { marker } = held;
    if (marker.state === 'completed' || marker.state === 'deleted') throw uploadEnded(marker.state);
    if (marker.state === 'promoting') {
      if (marker.leaseUntil > config.now()) throw beingCompleted();
      const taken = await markers.replace(claims, { state: 'aborted' }, held.version);
      if (!taken) throw beingCompleted();
      await withdraw(config, claims);
    }
  }
  await discard(dependencies, opened);
  if (!held) emit?.('upload.aborted', eventFacts(claims));
}

/**
 * Deletes a stored file for good: the record first, so that an unexpired URL and its grant cannot bring it back. With an
 * `uploadId` only the object that this upload stored. True when it was there.
 */
export async function deleteStored(
  storage: Storage,
  markers: StorageMarkers,
  { key, uploadId }: { key: string; uploadId?: string | undefined },
): Promise<boolean> {
  const info = await storage.head(key);
  if (!info) return false;
  const mark = info.metadata[uploadIdHeader];
  if (uploadId !== undefined && mark !== uploadId) return false;
  if (mark !== undefined && isUploadId(mark)) await markers.deleted(mark);
  return deleteSeen(storage, info);
}
