/** What an upload in parts does by itself after a failed step. The rest is decided by recovery/. */
import type { WaybillError } from '../../protocol/index.ts';
import type { Decision, Outcome, Step } from '../steps.ts';
import type { Decide } from '../transfer.ts';
import {
  abandonUpload,
  detachUpload,
  forgetUpload,
  giveUploadBack,
  type MultipartUpload,
  newAttempt,
  renewGrant,
} from './upload.ts';

/** Limits how often the storage may lose parts. */
const maxRepairs = 5;

export async function recoverUpload(
  upload: MultipartUpload,
  step: Step,
  error: WaybillError,
  decide: Decide,
): Promise<Decision> {
  const { attempt, tools, context } = upload;
  let failure = error;
  try {
    const action = attempt.repairs++ < maxRepairs && (await repair(upload, step, error));
    if (action) return { action, error };
  } catch (cause) {
    failure = tools.toFailure(cause);
  }
  const decision = await decide(failure);
  if (decision.action !== 'fail') {
    upload.attempt = newAttempt();
    return decision;
  }
  const { clientErrorKind } = await context.loadRecovery();
  // The user may have chosen the wrong file, or its disk was removed: what has arrived is kept for the right file.
  if (upload.mayDiffer && clientErrorKind(decision.error.code) === 'source') detachUpload(upload);
  else if (decision.grant === 'give back') abandonUpload(upload);
  else if (decision.grant === 'forget') forgetUpload(upload);
  return decision;
}

/** The outcome of the step, where this upload can go on at once. @throws WaybillError of the call that was needed */
async function repair(upload: MultipartUpload, step: Step, { code }: WaybillError): Promise<Outcome | undefined> {
  const { attempt, source, grant } = upload;
  const sendMissing: Outcome = step === 'complete' ? 'missing' : 'retry';
  const askForResult: Outcome = step === 'complete' ? 'retry' : 'stored';
  if (code === 'source_changed' && upload.mayDiffer && upload.startOver && !attempt.hasStartedOver) {
    attempt.hasStartedOver = true;
    giveUploadBack(upload);
    return 'renew';
  }
  if (!grant) return undefined;
  switch (code) {
    case 'object_not_ready':
      upload.parts = upload.stream;
      attempt.hasEnded = (await findState(upload)) === 'ended';
      return attempt.hasEnded ? askForResult : sendMissing;
    case 'upload_expired': {
      const state = await findState(upload, 'upload_expired');
      if (state === 'ended') attempt.hasEnded = true;
      if (state) return attempt.hasEnded ? askForResult : sendMissing;
      // The parts of a stream that have arrived are lost, and cannot be read again.
      if (attempt.hasStartedOver || source.stream) return undefined;
      attempt.hasStartedOver = true;
      forgetUpload(upload);
      return 'renew';
    }
    case 'upload_conflict':
      if (attempt.hasEnded) return undefined;
      attempt.hasEnded = true;
      return askForResult;
    default:
      return undefined;
  }
}

/** Asks the server for the upload's state. Undefined when it answers with the code `unknown`. */
async function findState(upload: MultipartUpload, unknown?: string): Promise<'open' | 'ended' | undefined> {
  try {
    await renewGrant(upload);
    return 'open';
  } catch (cause) {
    const { code } = cause as WaybillError;
    if (code === 'upload_conflict') return 'ended';
    if (code === unknown) return undefined;
    throw cause;
  }
}
