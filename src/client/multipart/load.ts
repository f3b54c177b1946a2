/** The first step of an upload in parts: finds out whether it was begun before. */
import type { WaybillError } from '../../protocol/index.ts';
import type { Outcome, Run } from '../steps.ts';
import type { Tools } from '../tools.ts';
import { forgetUpload, type MultipartUpload, renewGrant, reportProgress } from './upload.ts';

/** @throws WaybillError `source_changed`, `upload_conflict`, or a failure after which another attempt may succeed */
export async function loadResumeEntry(upload: MultipartUpload, run: Run): Promise<Outcome> {
  const { source, record, listed, tools, context } = upload;
  const entry = await record?.load();
  if (!entry) {
    // The entry was listed, and the upload has ended since then. If the file were sent again, it would be stored twice.
    if (source.resumes && !upload.wasRemembered && !upload.startOver)
      throw tools.failure('upload_conflict', 'This upload has ended in another tab or window.');
    return 'new';
  }
  upload.wasRemembered = true;
  reportProgress(upload, run, { status: 'granting' });
  if (source.size !== entry.size) {
    if (source.resumes) throw otherFileError(tools);
    tools.giveBack(context, entry.grant);
    forgetUpload(upload);
    return 'new';
  }
  upload.grant = entry;
  try {
    await renewGrant(upload);
  } catch (cause) {
    const { code, retryable } = cause as WaybillError;
    // The server is completing the upload, or has completed it.
    if (code === 'upload_conflict') {
      upload.repairState.hasEnded = true;
      return 'stored';
    }
    upload.grant = undefined;
    if (retryable || (await context.loadRecovery()).clientErrorKind(code) === 'auth') throw cause;
    forgetUpload(upload);
    return 'new';
  }
  // No part has arrived that could be compared, so only the name can show that this is another file.
  if (source.resumes && !listed.size && !record?.isSameFile && source.fileName !== entry.fileName)
    throw otherFileError(tools);
  return 'granted';
}

export const otherFileError = ({ failure }: Tools) =>
  failure('source_changed', 'This is not the file that was begun, or it has changed since.');
