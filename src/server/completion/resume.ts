/**
 * There is no staged object: the upload was completed before, or has ended, or an attempt stopped after its copy, or
 * nothing arrived.
 */
import { WaybillError } from '../../protocol/index.ts';
import type { Config } from '../config.ts';
import { splitCharset } from '../shared/charset.ts';
import { uploadExpired } from '../shared/errors.ts';
import type { Claims, SizedClaims } from '../state/claims.ts';
import { uploadIdHeader } from '../state/stored-object.ts';
import { type RecordedUpload, remainingLeaseMs } from '../state/upload-states.ts';
import { discardUpload } from './discard.ts';
import { finishUpload } from './finish.ts';
import { withLease } from './lease.ts';
import { readFileChecksum } from './promote.ts';
import { type AttemptResult, completingResult, resultFromState } from './result.ts';
import type { CompletionRun } from './run.ts';

export async function resumeWithoutObject(run: CompletionRun): Promise<AttemptResult> {
  const { services, claims, opened } = run;
  const { config, states } = services;
  const held = await states.read(claims.uploadId);
  if (!held) throw nothingArrived(config, claims);
  const { current } = held;
  if (current.state !== 'completing') {
    // The process that recorded the end may have stopped before it gave the reservation back.
    if (config.ledger && (current.state === 'rejected' || current.state === 'aborted'))
      await discardUpload(services, opened);
    return resultFromState(claims, current);
  }
  const leftMs = remainingLeaseMs(held, config.now());
  return leftMs > 0 ? completingResult(claims, leftMs) : resumeFromCopy(run, held);
}

/** An attempt copied and deleted the object, and did not record the result. */
async function resumeFromCopy(run: CompletionRun, held: RecordedUpload): Promise<AttemptResult> {
  const { services, claims } = run;
  const { config } = services;
  const copy = await config.storage.head(claims.key);
  if (copy?.metadata[uploadIdHeader] !== claims.uploadId) throw nothingArrived(config, claims);
  // The copy has the type that was verified.
  const sized: SizedClaims = { ...claims, ...splitCharset(copy.contentType), size: copy.size };
  const found = { checksum: claims.checksum ?? readFileChecksum(copy), etag: copy.etag };
  return withLease(run, sized.size, (lease) => finishUpload(run, lease, sized, found), held);
}

function nothingArrived(config: Config, claims: Claims): WaybillError {
  if (claims.partSize !== null) return uploadExpired('The storage has dropped the parts of this upload.');
  // Expiry stops signing and never completion, so it only matters where nothing arrived.
  if (config.now() >= claims.expiresAt * 1000)
    return uploadExpired('The permission has expired, and nothing was sent.');
  return new WaybillError('object_not_ready', 'The file has not arrived yet. Try again.', {
    details: { hint: 'The storage has no object at the staging key.' },
  });
}
