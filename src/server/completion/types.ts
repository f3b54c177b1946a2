import type { StoredFile } from '../../protocol/wire.ts';
import type { Config } from '../config.ts';
import type { Emit } from '../events.ts';
import type { Grants } from '../grants/grants.ts';
import type { Claims, OpenedGrant } from '../state/claims.ts';
import type { UploadStates } from '../state/create-state.ts';
import type { Sidecars } from '../state/sidecars.ts';
import type { Markers } from '../state/storage-state.ts';
import type { Said } from './check-parts.ts';
import type { KeyLocks } from './key-locks.ts';
import type { StagedCleanup } from './staged-cleanup.ts';

export interface Completed {
  uploadId: string;
  file: StoredFile;
  data: unknown;
}

/** Another process is at it. */
export interface Completing {
  uploadId: string;
  completing: true;
  retryAfterSeconds: number;
}

export interface CompletionDependencies {
  config: Config;
  /** What callbacks returned that is not on record yet, by `uploadId`; see {@link rememberResult}. */
  returned: Map<string, CallbackResult>;
  markers: Markers;
  sidecars: Sidecars;
  emit: Emit | undefined;
  grants: Pick<Grants, 'openReceipt'>;
  keyLocks: KeyLocks;
  records: Pick<UploadStates, 'replaced' | 'replacedBefore'>;
  /** The stable URL of a stored file. */
  viewUrl: (claims: Claims) => string;
}

/** `said` is compared with what the storage has, and never believed. Without `cleanup` the staged object goes at once. */
export type CompleteUpload = (
  opened: OpenedGrant,
  said?: Said,
  cleanup?: StagedCleanup,
) => Promise<Completed | Completing>;

export interface CallbackResult {
  data: unknown;
}
