/**
 * Continues a completion that finds no staged object: the upload was completed before, or has ended without a file, or
 * an earlier attempt stopped after its copy, or nothing has arrived.
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

export async function continueWithoutObject(run: CompletionRun): Promise<AttemptResult> {
  const { services, claims, opened } = run;
  const { config, states } = services;
  const recorded = await states.read(claims.uploadId);
  if (!recorded) throw nothingArrived(config, claims);
  const { current } = recorded;
  if (current.state !== 'completing') {
    // The process that recorded the end may have stopped before it gave the reservation back.
    if (config.ledger && (current.state === 'rejected' || current.state === 'aborted'))
      await discardUpload(services, opened);
    return resultFromState(claims, current);
  }
  const leftMs = remainingLeaseMs(recorded, config.now());
  return leftMs > 0 ? completingResult(claims, leftMs) : continueFromCopy(run, recorded);
}

/** Finishes an attempt that copied and deleted the staged object, and did not record the result. */
async function continueFromCopy(run: CompletionRun, recorded: RecordedUpload): Promise<AttemptResult> {
  const { services, claims } = run;
  const { config } = services;
  const copy = await config.storage.head(claims.key);
  if (copy?.metadata[uploadIdHeader] !== claims.uploadId) throw nothingArrived(config, claims);
  // The content type was verified before the copy was made, and the copy was stored with it.
  const sized: SizedClaims = { ...claims, ...splitCharset(copy.contentType), size: copy.size };
  const found = { checksum: claims.checksum ?? readFileChecksum(copy), etag: copy.etag };
  return withLease(run, sized.size, (lease) => finishUpload(run, lease, sized, found), recorded);
}

function nothingArrived(config: Config, claims: Claims): WaybillError {
  if (claims.partSize !== null) return uploadExpired('The storage has dropped the parts of this upload.');
  // The expiry of a grant stops signing but never a completion, so it only matters where nothing has arrived.
  if (config.now() >= claims.expiresAt * 1000)
    return uploadExpired('The permission has expired, and nothing was sent.');
  return new WaybillError('object_not_ready', 'The file has not arrived yet. Try again.', {
    details: { hint: 'The storage has no object at the staging key.' },
  });
}
