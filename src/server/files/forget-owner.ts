/**
 * Forgets an owner: ends every upload, deletes every file, and erases what is recorded. A call that stops at any step,
 * also because its process died, is continued by the next call, which finds what is left.
 */
import { isWaybillError } from '../../protocol/index.ts';
import type { CompletionService } from '../completion/service.ts';
import { uploadIdOfKey } from '../grants/keys.ts';
import { mapLimited } from '../shared/map-limited.ts';
import { stagingKeyOf, uploadIdOfSidecar, uploadIdOfStagedObject } from '../shared/staging-key.ts';
import type { OpenedGrant, OpenReceipt } from '../state/claims.ts';
import type { Deletion, Ledger, UploadRecord } from '../state/ledger.ts';
import { restoreGrant } from '../state/restore-grant.ts';
import { type FileContext, needsLedger } from './find-file.ts';
import { requireOwnerId } from './list-files.ts';
import type { ForgetOptions, ForgetReport } from './types.ts';

export interface ForgetContext extends FileContext {
  openReceipt: OpenReceipt;
}

type Completion = Pick<CompletionService, 'abort' | 'deleteFile' | 'discardRecord'>;

const parallel = 8;
const batchSize = 100;

/**
 * @throws {WaybillError} `config_invalid` without a ledger when a route has `key`, because its keys do not contain the
 * owner. After an error of the storage or of the ledger, call it again.
 */
export async function forgetOwner(
  context: ForgetContext,
  completion: Completion,
  ownerId: string,
  options: ForgetOptions = {},
): Promise<ForgetReport> {
  requireOwnerId(ownerId);
  const report = { ownerId, done: false, filesDeleted: 0, uploadsAborted: 0, recordsErased: 0, busy: 0 };
  const { ledger } = context.config;
  if (ledger) await forgetByLedger(ledger, completion, report, options);
  else await forgetByStorage(context, completion, report, options);
  return report;
}

async function forgetByLedger(
  ledger: Ledger,
  completion: Completion,
  report: ForgetReport,
  { actor, signal }: ForgetOptions,
): Promise<void> {
  const { ownerId } = report;
  const deletion: Deletion = { reason: 'server', actor: actor ?? null };
  let after: string | null = null;
  do {
    if (signal?.aborted) return;
    const page = await ledger.list({ ownerId, limit: batchSize, ...(after === null ? {} : { after }) });
    await mapLimited(page.uploads, parallel, (record) => endUpload(completion, record, deletion, report));
    const uploadIds = page.uploads.map(({ uploadId }) => uploadId);
    const erased = await ledger.eraseUploads(ownerId, uploadIds);
    report.recordsErased += erased;
    report.busy += uploadIds.length - erased;
    after = page.next;
  } while (after !== null);
  report.done = await ledger.eraseOwner(ownerId, actor ?? null);
}

/** Ends one upload, so that its record can be erased. */
async function endUpload(
  completion: Completion,
  record: UploadRecord,
  deletion: Deletion,
  report: ForgetReport,
): Promise<void> {
  const { key, uploadId, route, state, isReserved } = record;
  // An earlier call may have recorded the deletion without deleting the object.
  if (state === 'completed' || state === 'deleted') {
    if (await completion.deleteFile({ key, uploadId }, deletion, route)) report.filesDeleted += 1;
  } else if (state === 'aborted' || state === 'rejected') {
    if (isReserved) await completion.discardRecord(record);
  } else await abortUpload(completion, restoreGrant(record), report);
}

/** Returns false while the upload is being completed. */
async function abortUpload(completion: Completion, opened: OpenedGrant, report: ForgetReport): Promise<boolean> {
  try {
    await completion.abort(opened);
    report.uploadsAborted += 1;
    return true;
  } catch (error) {
    if (isWaybillError(error) && error.code === 'upload_conflict') return false;
    throw error;
  }
}

async function forgetByStorage(
  context: ForgetContext,
  completion: Completion,
  report: ForgetReport,
  { actor, signal }: ForgetOptions,
): Promise<void> {
  const deletion: Deletion = { reason: 'server', actor: actor ?? null };
  const { routes, stagingPrefix } = context.config;
  for (const [name, { definition }] of routes)
    if (definition.key) throw needsLedger(`\`forgetOwner()\` with the route "${name}", which has \`key\`,`);
  const isFinished = await eachKey(context, stagingPrefix, signal, (key) =>
    abortStaged(context, completion, key, report),
  );
  if (!isFinished) return;
  for (const route of routes.keys()) {
    const prefix = `${route}/${report.ownerId}/`;
    const isRouteFinished = await eachKey(context, prefix, signal, async (key) => {
      const uploadId = uploadIdOfKey({ route, ownerId: report.ownerId, key });
      if (uploadId !== null && (await completion.deleteFile({ key, uploadId }, deletion, route)))
        report.filesDeleted += 1;
    });
    if (!isRouteFinished) return;
  }
  report.done = report.busy === 0;
}

/** Aborts an unfinished upload of the owner. Only the receipt of the upload names its owner. */
async function abortStaged(
  context: ForgetContext,
  completion: Completion,
  key: string,
  report: ForgetReport,
): Promise<void> {
  const { stagingPrefix, storage } = context.config;
  let opened: OpenedGrant | null = null;
  if (uploadIdOfSidecar(stagingPrefix, key) !== null) opened = await openSidecar(context, key);
  else if (uploadIdOfStagedObject(stagingPrefix, key) !== null) {
    const receipt = (await storage.head(key))?.metadata.waybill;
    opened = receipt === undefined ? null : context.openReceipt(receipt);
  }
  if (opened?.claims.ownerId !== report.ownerId) return;
  if (!(await abortUpload(completion, opened, report))) report.busy += 1;
}

/** Opens the receipt of an upload in parts, which is stored beside its staging key. */
async function openSidecar({ config, openReceipt }: ForgetContext, key: string): Promise<OpenedGrant | null> {
  const { storage } = config;
  const found = await storage.read(key, { maxBytes: 4096 });
  const opened = found?.bytes ? openReceipt(Buffer.from(found.bytes).toString()) : null;
  if (!opened) return null;
  const stagingKey = stagingKeyOf(config, opened.claims.uploadId);
  const { uploads } = await storage.listMultiparts({ prefix: stagingKey });
  const own = uploads.find((upload) => upload.key === stagingKey);
  return { ...opened, multipart: own ? { multipartId: own.multipartId, expiresAt: 0 } : null };
}

/** Returns false when the signal has stopped the work. */
async function eachKey(
  { config: { storage } }: ForgetContext,
  prefix: string,
  signal: AbortSignal | undefined,
  work: (key: string) => Promise<void>,
): Promise<boolean> {
  let continuationToken: string | undefined;
  do {
    if (signal?.aborted) return false;
    const page = await storage.list({ prefix, ...(continuationToken === undefined ? {} : { continuationToken }) });
    await mapLimited(page.objects, parallel, ({ key }) => work(key));
    continuationToken = page.continuationToken;
  } while (continuationToken !== undefined);
  return true;
}
