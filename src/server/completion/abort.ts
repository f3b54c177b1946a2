import type { Config } from '../config.ts';
import { type Emit, eventFacts } from '../events.ts';
import { beingCompleted, uploadEnded } from '../shared/errors.ts';
import type { OpenedGrant } from '../state/claims.ts';
import type { UploadStates } from '../state/upload-states.ts';
import { discardUpload } from './discard.ts';
import { withdrawCopy } from './promote.ts';

export interface AbortServices {
  config: Config;
  states: UploadStates;
  emit: Emit | undefined;
  /** Resolves when this process is not, or no longer, completing the upload. */
  waitForCompletion: (uploadId: string) => Promise<void>;
}

/**
 * Records the state `aborted` before it deletes anything: a completion that has already seen the staged object finds
 * this record when it claims the upload.
 *
 * @throws {WaybillError} `upload_conflict` when the upload has a stored file, had one, or is being completed
 */
export async function abortUpload(services: AbortServices, opened: OpenedGrant): Promise<void> {
  const { claims } = opened;
  const { config, states, emit } = services;
  await services.waitForCompletion(claims.uploadId);
  const result = await states.recordFirstState(claims, { state: 'aborted' });
  if (result.kind === 'held') {
    const { current, fence } = result.held;
    if (current.state === 'completed' || current.state === 'deleted') throw uploadEnded(current.state);
    if (current.state === 'completing') {
      if (current.leaseUntil > config.now()) throw beingCompleted();
      if ((await states.replaceState(claims, { state: 'aborted' }, fence)) === null) throw beingCompleted();
      await withdrawCopy(config, claims);
    }
  }
  await discardUpload(services, opened);
  if (result.kind === 'recorded') emit?.('upload.aborted', eventFacts(claims));
}
