/**
 * multipart: uploads one large file, or a stream, in parts. It is loaded with the first such file. Outside of its own
 * folder it imports only the planner of parts, so that a page's bundle stays in one piece.
 */
import type { FileDeclaration, RouteInfo } from '../../protocol/index.ts';
import type { ClientContext, DeclaredFile } from '../context.ts';
import type { OpenSource } from '../source.ts';
import type { Outcome, Run } from '../steps.ts';
import type { Tools } from '../tools.ts';
import type { Transfer } from '../transfer.ts';
import type { Source } from '../types.ts';
import { createFileParts } from './file-parts.ts';
import { loadResumeEntry } from './load.ts';
import { recoverUpload } from './recover.ts';
import type { Unlock } from './resume-record.ts';
import { sendParts } from './send.ts';
import {
  cancelUpload,
  type Grant,
  giveUploadBack,
  type MultipartUpload,
  newRepairState,
  openUpload,
  planPartSize,
  reportProgress,
  saveEntry,
} from './upload.ts';

export function createMultipart(
  tools: Tools,
  context: ClientContext,
  source: OpenSource,
  route: string,
  file: DeclaredFile,
  startOver: boolean | undefined,
): Transfer {
  /** Set by the first `load`, which all other steps follow. */
  let upload: MultipartUpload | undefined;
  let unlock: Unlock | undefined;
  const opened = () => upload as MultipartUpload;

  return {
    async load(run: Run, info: RouteInfo) {
      // This also loads the code that hashes in workers.
      await context.loadRecovery();
      upload ??= await openUpload(tools, context, source, route, info, file, startOver, run.signal);
      upload.repairState = newRepairState();
      if (upload.record && !unlock) {
        unlock = await upload.record.lock();
        if (!unlock) {
          if (source.resumes) throw tools.failure('upload_conflict', 'This upload continues in another tab or window.');
          // The file is being sent already. Choosing it again starts another upload, and only the first is remembered.
          upload.record = null;
        }
      }
      if (upload.grant) return 'granted';
      const outcome = await loadResumeEntry(upload, run);
      upload.mayDiffer = outcome !== 'new';
      return outcome;
    },
    begin: (run) => beginUpload(opened(), run),
    send: (run) => sendUpload(opened(), run),
    complete: (run) => completeUpload(opened(), run),
    async recover(step, error, decide) {
      // Without the lock, the upload belongs to another tab, so its entry and its parts are kept.
      const isOwn = upload && (unlock || !upload.record);
      return isOwn ? recoverUpload(opened(), step, error, decide) : decide(error);
    },
    async end() {
      await unlock?.();
      unlock = undefined;
    },
    abort() {
      if (upload) cancelUpload(upload);
    },
  };
}

async function beginUpload(upload: MultipartUpload, run: Run): Promise<Outcome> {
  const { tools, context, source, file, arrived, listed } = upload;
  reportProgress(upload, run, { status: 'granting' });
  const { grant: requestGrant } = await context.openRoute(upload.route);
  upload.declaration ??= {
    ...file,
    size: source.size,
    partSize: planPartSize(upload),
    idempotencyKey: tools.createKey(),
  } as FileDeclaration;
  const { uploadId, ...granted } = await requestGrant(upload.declaration);
  upload.declaration = undefined;
  if (granted.transfer !== 'multipart')
    throw tools.failure('internal_error', 'The upload server is out of step with this app.', {
      details: { hint: `The server granted ${granted.transfer} for a file that goes in parts.` },
    });
  run.report({ contentType: granted.contentType });
  const { grant, partSize, partCount } = granted;
  upload.grant = { uploadId, grant, partSize, partCount };
  // A stopped run may have recorded parts of an earlier upload.
  arrived.clear();
  listed.clear();
  if (run.aborted) cancelUpload(upload);
  else saveEntry(upload);
  return 'granted';
}

async function sendUpload(upload: MultipartUpload, run: Run): Promise<Outcome> {
  const { tools, source, info, arrived, listed } = upload;
  const { partSize } = upload.grant as Grant;
  upload.checksums.setPartSize(partSize);
  reportProgress(upload, run, { status: 'queued', transfer: 'multipart' });
  if (source.stream && !upload.stream) {
    const { createStreamParts } = await import('./stream.ts').catch(tools.throwNetworkError);
    upload.stream = createStreamParts(tools, source.stream, partSize, info.limits);
  }
  upload.parts ??= upload.stream ?? createFileParts(tools, source as Source, partSize, arrived, listed);
  const outcome = await sendParts(upload, upload.parts, run);
  if (outcome === 'renew') {
    upload.hasSmallerParts = true;
    giveUploadBack(upload);
  }
  return outcome;
}

async function completeUpload(upload: MultipartUpload, run: Run): Promise<Outcome> {
  const { tools, context, source, stream, checksums, arrived } = upload;
  const { grant, partSize } = upload.grant as Grant;
  const size = stream?.size() ?? (source.size as number);
  reportProgress(upload, run, { status: 'completing', ...(stream && { size, total: size }) });
  const partChecksums: (string | undefined)[] = [];
  for (let n = 1; n <= Math.max(1, Math.ceil(size / partSize)); n++) partChecksums.push(arrived.get(n)?.checksum);
  const { algorithm } = checksums;
  // Some parts may have been sent by an earlier page. If their checksums are unknown here, none is declared.
  const checksum = algorithm &&
    partChecksums.every((value) => value !== undefined) && {
      algorithm,
      value: await checksums.composite(partChecksums, run.signal),
    };
  const { waitForCompletion } = await context.loadRecovery();
  run.result = await waitForCompletion(
    tools,
    context,
    { grant, ...(checksum && { checksum }), ...(stream && { size }) },
    run,
  );
  upload.record?.delete();
  return 'completed';
}
