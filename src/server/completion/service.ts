/**
 * Completion for all callers: the client's request, a storage event, the sweep, an operator. It loads with the first
 * such call, so that a server that starts cold answers its first grant sooner.
 */
import type { StoredFile } from '../../protocol/index.ts';
import type { ObjectInfo } from '../../s3/index.ts';
import type { Config } from '../config.ts';
import type { Emit } from '../events.ts';
import { stagingKeyOf } from '../shared/staging-key.ts';
import { isUploadId } from '../shared/upload-id.ts';
import type { Claims, OpenedGrant, OpenReceipt, SizedClaims } from '../state/claims.ts';
import type { ChooseEffects } from '../state/end-effects.ts';
import type { Deletion, UploadRecord } from '../state/ledger.ts';
import { restoreGrant, restoreMetadata } from '../state/restore-grant.ts';
import type { UploadStates } from '../state/upload-states.ts';
import { abortUpload } from './abort.ts';
import { type CompleteUpload, createCompletion } from './complete.ts';
import { copyObject } from './copy-object.ts';
import { deleteStored, type FileToDelete } from './delete.ts';
import { discardUpload } from './discard.ts';
import { createEndCallbacks, type EndCallbacks } from './end-callbacks.ts';
import { createKeyLocks } from './key-locks.ts';
import type { Completed, CompletionResult } from './result.ts';
import type { CompletionServices } from './run.ts';
import { closeStaging, leavesPlaceholder } from './staging.ts';

export interface CompletionContext {
  config: Config;
  states: UploadStates;
  effects: ChooseEffects;
  openReceipt: OpenReceipt;
  emit: Emit | undefined;
  /** The stable URL of a stored file. */
  viewUrl: (claims: Claims) => string;
}

export interface CompletionService {
  complete: CompleteUpload;
  abort(opened: OpenedGrant): Promise<void>;
  /** Deletes a stored file for good, and runs its callback. Returns whether there was one. */
  deleteFile(file: FileToDelete, deletion: Deletion, route: string | null): Promise<boolean>;
  /** Completes an upload whose bytes are those of a stored file. */
  copyObject(claims: SizedClaims, info: ObjectInfo, checksum: StoredFile['checksum']): Promise<Completed>;
  /** Runs the callback of an ended upload, which is due. Null when another process runs it. */
  runEndCallback: EndCallbacks['runDue'];
  /** Resolves when this process completes no upload. */
  idle(): Promise<void>;
  /** Deletes what an upload of the ledger that ended without a file has left, and gives its reservation back. */
  discardRecord(record: UploadRecord): Promise<void>;
  /** Whether the staging key of this upload holds an empty object until its request has expired, see `staging.ts`. */
  leavesPlaceholder(record: UploadRecord): boolean;
  /** Replaces what is at the staging key with the empty object. */
  emptyStagingKey(record: UploadRecord): Promise<void>;
  /** Completes an upload of the ledger from where it stopped. */
  completeRecord(record: UploadRecord): Promise<CompletionResult>;
  /**
   * Completes an upload by the receipt of its staged object, or by the receipt that was saved for its parts. Null when
   * there is no such receipt.
   */
  completeObject(stagedKey: string): Promise<CompletionResult | null>;
}

export function createCompletionService(context: CompletionContext): CompletionService {
  const { config, states, effects, openReceipt, emit } = context;
  const { storage, stagingPrefix } = config;
  const endCallbacks = createEndCallbacks(context);
  const services: CompletionServices = {
    ...context,
    keyLocks: createKeyLocks(config),
    callbackResults: new Map(),
    endCallbacks,
  };
  const completion = createCompletion(services);

  const complete: CompleteUpload = async (opened, ...more) =>
    completion.complete(await restoreMetadata(config.ledger, opened), ...more);

  const abort = (opened: OpenedGrant) =>
    abortUpload({ config, states, emit, waitForCompletion: completion.waitFor }, opened);

  async function deleteFile(file: FileToDelete, deletion: Deletion, route: string | null) {
    const deleted = await deleteStored({ config, states, effects }, file, deletion);
    if (!deleted) return false;
    emit?.('file.deleted', { route, key: file.key });
    if (deleted.record) await endCallbacks.runSoon(deleted.record);
    return true;
  }

  /**
   * Completes an upload in parts after its client has disappeared. A stream cannot be completed this way: only the
   * client knows its final size.
   */
  async function completeParts(stagedKey: string): Promise<CompletionResult | null> {
    const uploadId = stagedKey.slice(stagingPrefix.length);
    const opened = isUploadId(uploadId) ? await states.findGrant(uploadId) : null;
    if (!opened || opened.claims.size === null || opened.claims.partSize === null) return null;
    const { uploads } = await storage.listMultiparts({ prefix: stagedKey });
    const own = uploads.find(({ key }) => key === stagedKey);
    return own ? complete({ ...opened, multipart: { multipartId: own.multipartId, expiresAt: 0 } }) : null;
  }

  return {
    complete,
    abort,
    copyObject: (claims, info, checksum) => copyObject(services, abort, claims, info, checksum),
    idle: completion.idle,
    deleteFile,
    runEndCallback: endCallbacks.runDue,
    discardRecord: (record) => discardUpload({ config, states }, restoreGrant(record)),
    leavesPlaceholder: (record) => leavesPlaceholder(config, restoreGrant(record).claims),
    emptyStagingKey: async (record) => {
      await closeStaging(config, restoreGrant(record).claims);
    },
    completeRecord: (record) => complete(restoreGrant(record)),

    async completeObject(stagedKey) {
      if (!stagedKey.startsWith(stagingPrefix)) return null;
      const info = await storage.head(stagedKey);
      if (!info) return completeParts(stagedKey);
      const receipt = info.metadata.waybill;
      const opened = receipt === undefined ? null : openReceipt(receipt);
      if (!opened || stagingKeyOf(config, opened.claims.uploadId) !== stagedKey) return null;
      return complete(opened);
    },
  };
}
