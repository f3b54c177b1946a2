/** The first step of an upload in parts: looks whether it was begun before. */
import type { WaybillError } from '../../protocol/index.ts';
import type { Outcome, Run } from '../steps.ts';
import type { Tools } from '../tools.ts';
import { forgetUpload, type MultipartUpload, renewGrant, reportProgress } from './upload.ts';

/** @throws WaybillError `source_changed`, `upload_conflict`, or a failure after which another attempt may succeed */
export async function loadResumeEntry(upload: MultipartUpload, run: Run): Promise<Outcome> {
  const { source, record, listed, tools, context } = upload;
  const entry = await record?.load();
  if (!entry) {
    // It was listed, and has ended since then: sent again, the file would be stored twice.
    if (source.resumes && !upload.wasRemembered && !upload.startOver)
      throw tools.failure('upload_conflict', 'This upload has ended in another tab or window.');
    return 'new';
  }
  upload.wasRemembered = true;
  reportProgress(upload, run, { status: 'granting' });
  if (source.size !== entry.size) {
    if (source.resumes) throw otherFile(tools);
    tools.giveBack(context, entry.grant);
    forgetUpload(upload);
    return 'new';
  }
  upload.grant = entry;
  try {
    await renewGrant(upload);
  } catch (cause) {
    const { code, retryable } = cause as WaybillError;
    // The server is completing it, or has completed it.
    if (code === 'upload_conflict') {
      upload.attempt.hasEnded = true;
      return 'stored';
    }
    upload.grant = undefined;
    if (retryable || (await context.loadRecovery()).clientErrorKind(code) === 'auth') throw cause;
    forgetUpload(upload);
    return 'new';
  }
  // Without a part to compare, only the name tells files apart.
  if (source.resumes && !listed.size && !record?.isSameFile && source.fileName !== entry.fileName)
    throw otherFile(tools);
  return 'granted';
}

export const otherFile = ({ failure }: Tools) =>
  failure('source_changed', 'This is not the file that was begun, or it has changed since.');
