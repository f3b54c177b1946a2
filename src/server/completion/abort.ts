import type { Config } from '../config.ts';
import type { Emit } from '../events.ts';
import { eventFacts } from '../events.ts';
import { beingCompleted, uploadEnded } from '../shared/errors.ts';
import type { OpenedGrant } from '../state/claims.ts';
import type { Sidecars } from '../state/sidecars.ts';
import type { Markers } from '../state/storage-state.ts';
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
