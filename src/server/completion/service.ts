/**
 * Completion for everything that starts one: the client's call, a storage event, the sweep, an operator. Loaded with the first
 * such call, so that a server that starts cold answers its first grant sooner.
 */
import type { Config } from '../config.ts';
import type { Emit } from '../events.ts';
import type { Grants } from '../grants/grants.ts';
import { stagingKeyOf } from '../shared/staging-key.ts';
import { isUploadId } from '../shared/upload-id.ts';
import type { Claims, OpenedGrant } from '../state/claims.ts';
import { type UploadStates, withMetadata } from '../state/create-state.ts';
import type { UploadRecord } from '../state/ledger.ts';
import { openedOf } from '../state/ledger-state.ts';
import { abortUpload } from './abort.ts';
import { createCompletion } from './complete.ts';
import { deleteStored, type FileToDelete } from './delete.ts';
import { createKeyLocks } from './key-locks.ts';
import { discard } from './lease.ts';
import { closeStaging, leavesSeal } from './staging.ts';
import type { Completed, CompleteUpload, Completing } from './types.ts';

export interface CompletionContext {
  config: Config;
  grants: Pick<Grants, 'openReceipt'>;
  emit: Emit | undefined;
  /** The stable URL of a stored file. */
  viewUrl: (claims: Claims) => string;
}

export interface CompletionService {
  complete: CompleteUpload;
  abort(opened: OpenedGrant): Promise<void>;
  /** True when it was there. */
  deleteFile(file: FileToDelete, route: string | null): Promise<boolean>;
  /** Resolves when no completion is under way. */
  idle(): Promise<void>;
  /** Clears up behind an upload of the ledger that has ended without a file, and gives its reservation back. */
  discardRecord(record: UploadRecord): Promise<void>;
  /** Whether the staging key of this upload holds an empty object until its request has expired, see `staging.ts`. */
  leavesSeal(record: UploadRecord): boolean;
  /** Empties the object at that key. */
  sealRecord(record: UploadRecord): Promise<void>;
  /** Goes on with an upload of the ledger, wherever it stopped. */
  completeRecord(record: UploadRecord): Promise<Completed | Completing>;
  /** By the receipt of a staged object, or by the sidecar of its parts. */
  completeObject(stagedKey: string): Promise<Completed | Completing | null>;
}

export function createCompletionService(
  { config, grants, emit, viewUrl }: CompletionContext,
  state: UploadStates,
): CompletionService {
  const { storage, stagingPrefix } = config;
  const { markers, sidecars } = state;
  const keyLocks = createKeyLocks(config);
  const completion = createCompletion({ config, markers, sidecars, emit, grants, keyLocks, records: state, viewUrl });
  const { settled } = completion;

  const complete: CompleteUpload = async (opened, ...more) =>
    completion.complete(await withMetadata(config.ledger, opened), ...more);

  const abort = (opened: OpenedGrant) => abortUpload({ config, markers, sidecars, emit, settled }, opened);

  async function deleteFile(file: FileToDelete, route: string | null) {
    const deleted = await deleteStored(config, state, file);
    if (deleted) emit?.('file.deleted', { route, key: file.key });
    return deleted;
  }

  /** Of a multipart upload whose client went away. Of a stream nobody else knows where it ends. */
  async function completeParts(stagedKey: string): Promise<Completed | Completing | null> {
    const uploadId = stagedKey.slice(stagingPrefix.length);
    const opened = isUploadId(uploadId) ? await sidecars.read(uploadId) : null;
    if (!opened || opened.claims.size === null || opened.claims.partSize === null) return null;
    const { uploads } = await storage.listMultiparts({ prefix: stagedKey });
    const own = uploads.find(({ key }) => key === stagedKey);
    return own ? complete({ ...opened, multipart: { multipartId: own.multipartId, expiresAt: 0 } }) : null;
  }

  return {
    complete,
    abort,
    idle: completion.idle,
    deleteFile,
    discardRecord: (record) => discard({ config, sidecars }, openedOf(record)),
    leavesSeal: (record) => leavesSeal(config, openedOf(record).claims),
    sealRecord: async (record) => {
      await closeStaging(config, openedOf(record).claims);
    },
    completeRecord: (record) => complete(openedOf(record)),

    async completeObject(stagedKey) {
      if (!stagedKey.startsWith(stagingPrefix)) return null;
      const info = await storage.head(stagedKey);
      if (!info) return completeParts(stagedKey);
      const receipt = info.metadata.waybill;
      const opened = receipt === undefined ? null : grants.openReceipt(receipt);
      if (!opened || stagingKeyOf(config, opened.claims.uploadId) !== stagedKey) return null;
      return complete(opened);
    },
  };
}
