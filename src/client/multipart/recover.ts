/**
 * After a failed step, an upload in parts first tries to repair what only it knows of. If it cannot, recovery/ decides.
 */
import type { WaybillError } from '../../protocol/index.ts';
import type { Decision, Outcome, Step } from '../steps.ts';
import type { Decide } from '../transfer.ts';
import {
  cancelUpload,
  clearUpload,
  forgetUpload,
  giveUploadBack,
  type MultipartUpload,
  newRepairState,
  renewGrant,
} from './upload.ts';

/**
 * Failures between two pauses for which a repair is tried. After that, recovery/ decides: repairs without a pause would
 * never end where a storage loses parts again and again.
 */
const maxRepairs = 5;

export async function recoverUpload(
  upload: MultipartUpload,
  step: Step,
  error: WaybillError,
  decide: Decide,
): Promise<Decision> {
  const { repairState, tools, context } = upload;
  let failure = error;
  try {
    const action = repairState.repairs++ < maxRepairs && (await repair(upload, step, error));
    if (action) return { action, error };
  } catch (cause) {
    failure = tools.toFailure(cause);
  }
  const decision = await decide(failure);
  if (decision.action !== 'fail') {
    upload.repairState = newRepairState();
    return decision;
  }
  const { clientErrorKind } = await context.loadRecovery();
  // The user may have chosen the wrong file, or has removed the disk. The arrived parts are kept for the right file.
  if (upload.mayDiffer && clientErrorKind(decision.error.code) === 'source') clearUpload(upload);
  else if (decision.grant === 'give back') cancelUpload(upload);
  else if (decision.grant === 'forget') forgetUpload(upload);
  return decision;
}

/**
 * Returns the outcome with which the upload continues without a pause, or undefined when nothing can be repaired.
 *
 * @throws WaybillError of a call to the server that the repair needed
 */
async function repair(upload: MultipartUpload, step: Step, { code }: WaybillError): Promise<Outcome | undefined> {
  const { repairState, source, grant } = upload;
  /** The upload is open at the server: the missing parts are sent. */
  const outcomeIfOpen: Outcome = step === 'complete' ? 'missing' : 'retry';
  /** The upload has ended at the server: completion is requested, and its answer says how the upload has ended. */
  const outcomeIfEnded: Outcome = step === 'complete' ? 'retry' : 'stored';
  if (code === 'source_changed' && upload.mayDiffer && upload.startOver && !repairState.hasStartedOver) {
    repairState.hasStartedOver = true;
    giveUploadBack(upload);
    return 'renew';
  }
  if (!grant) return undefined;
  switch (code) {
    case 'object_not_ready':
      upload.parts = upload.stream;
      repairState.hasEnded = (await findState(upload)) === 'ended';
      return repairState.hasEnded ? outcomeIfEnded : outcomeIfOpen;
    case 'upload_expired': {
      const state = await findState(upload, 'upload_expired');
      if (state === 'ended') repairState.hasEnded = true;
      if (state) return repairState.hasEnded ? outcomeIfEnded : outcomeIfOpen;
      // The parts of a stream that have arrived are lost, and cannot be read again.
      if (repairState.hasStartedOver || source.stream) return undefined;
      repairState.hasStartedOver = true;
      forgetUpload(upload);
      return 'renew';
    }
    case 'upload_conflict':
      if (repairState.hasEnded) return undefined;
      repairState.hasEnded = true;
      return outcomeIfEnded;
    default:
      return undefined;
  }
}

/** Asks the server for the upload's state. Undefined when the server answers with the error `goneCode`. */
async function findState(upload: MultipartUpload, goneCode?: string): Promise<'open' | 'ended' | undefined> {
  try {
    await renewGrant(upload);
    return 'open';
  } catch (cause) {
    const { code } = cause as WaybillError;
    if (code === 'upload_conflict') return 'ended';
    if (code === goneCode) return undefined;
    throw cause;
  }
}
