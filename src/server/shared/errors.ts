/**
 * Errors that several files use. `message` is for the person who uploads: what happened, and what to do next. `hint` is
 * for the developer.
 */
import { type ErrorDetails, type Issue, WaybillError } from '../../protocol/index.ts';

type EndState = NonNullable<ErrorDetails['upload_conflict']['state']>;

export { tooManyFiles } from '../../protocol/index.ts';

export function grantInvalid(): WaybillError {
  return new WaybillError('grant_invalid', 'This upload cannot be continued. Start it again.', {
    details: {
      hint: 'No `secret` of this server opens the grant: it is damaged, of another deployment, or was rotated out.',
    },
  });
}

export function uploadNotFound(): WaybillError {
  return new WaybillError('upload_not_found', 'This upload does not exist.');
}

/** @param hint what the storage has, or does not have */
export function uploadExpired(hint: string, cause?: unknown): WaybillError {
  return new WaybillError('upload_expired', 'This upload has expired. Start it again.', { details: { hint }, cause });
}

export function beingCompleted(): WaybillError {
  return new WaybillError('upload_conflict', 'This upload is being completed.', { details: { state: 'completing' } });
}

export function uploadEnded(state: EndState): WaybillError {
  return new WaybillError('upload_conflict', `This upload was ${state}.`, { details: { state } });
}

export function checksumMismatch(hint: string): WaybillError {
  return new WaybillError('checksum_mismatch', 'The file was damaged on its way. Send it again.', {
    details: { hint },
  });
}

/** Creates the error for parts that no Waybill client sends, but another client or an attacker can. */
export function damagedParts(hint: string, details: { partNumber?: number; size?: number; planned?: number } = {}) {
  return new WaybillError('part_invalid', 'The upload is damaged. Send the file again.', {
    details: { ...details, hint },
  });
}

/** Creates the error for a staged object that cannot come from a request that this server signed. */
export function refusedUpload(hint: string): WaybillError {
  return new WaybillError('upload_rejected', 'This file was refused.', { details: { hint } });
}

export function unknownRoute(): WaybillError {
  return new WaybillError('route_not_found', 'This kind of upload does not exist.', {
    details: { hint: 'The request names a route that is not among the `routes` of createUploads().' },
  });
}

/** A response lists at most this many issues. */
export const maxIssues = 20;

/** The message of an issue whose field is missing. */
export const missingFieldMessage = 'is missing';

export function invalid(issues: Issue[], cause?: unknown): WaybillError {
  const first = issues[0];
  const subject = first?.path ? `\`${first.path}\`` : 'the body';
  const message =
    first?.message === missingFieldMessage
      ? `The request needs ${subject}.`
      : `The request is not valid${first ? `: ${subject} ${first.message}` : ''}.`;
  return new WaybillError('invalid_request', message, { details: { issues: issues.slice(0, maxIssues) }, cause });
}
