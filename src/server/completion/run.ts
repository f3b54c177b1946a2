import type { Config, ResolvedRoute } from '../config.ts';
import type { Emit } from '../events.ts';
import type { Claims, OpenedGrant, OpenReceipt } from '../state/claims.ts';
import type { UploadStates } from '../state/upload-states.ts';
import type { ClientReport } from './check-parts.ts';
import type { EndCallbacks } from './end-callbacks.ts';
import type { KeyLocks } from './key-locks.ts';
import type { StagedCleanup } from './staged-cleanup.ts';

export interface CallbackResult {
  data: unknown;
}

/**
 * The results of callbacks that are not recorded yet, by `uploadId`. When the ledger or the storage cannot record a
 * result, the next attempt of this process records it and does not run the callback a second time.
 */
export type CallbackResults = Map<string, CallbackResult>;

export interface CompletionServices {
  config: Config;
  states: UploadStates;
  emit: Emit | undefined;
  openReceipt: OpenReceipt;
  keyLocks: KeyLocks;
  callbackResults: CallbackResults;
  endCallbacks: EndCallbacks;
  /** The stable URL of a stored file. */
  viewUrl: (claims: Claims) => string;
}

/** One completion in progress. */
export interface CompletionRun {
  services: CompletionServices;
  route: ResolvedRoute;
  opened: OpenedGrant;
  claims: Claims;
  /** The client's report, which is compared with what the storage has and never trusted. */
  report: ClientReport;
  /** Deletes the staged objects of a batch together. Without it each is deleted at once. */
  cleanup: StagedCleanup | undefined;
  /** Milliseconds since the epoch. */
  startedAt: number;
}
