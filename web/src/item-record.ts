/** The facts about one file that are saved with the list, and the stages that an upload is shown in. */
import type { StoredFile, UploadSnapshot } from 'waybill/client';
import { type ErrorText, errorText } from './error-text.ts';

/** What the app server and the storage counted for one upload. */
export interface TransferStats {
  server: { requests: number; bytesIn: number; fileBytes: number };
  /** Null when the storage does not report to the app server. */
  store: { requests: number; bytesIn: number } | null;
}

export type Stage =
  | 'waiting'
  | 'reading'
  | 'comparing'
  | 'signing'
  | 'sending'
  | 'checking'
  | 'offline'
  | 'retrying'
  | 'paused'
  | 'other-tab'
  | 'unfinished'
  | 'received'
  | 'refused'
  | 'failed'
  | 'cancelled'
  | 'interrupted';

export interface ItemRecord {
  /** Unique in the list, also after a reload. */
  id: string;
  number: number;
  fileName: string;
  /** Path below the added folder, file name included. Null for a single file. */
  relativePath: string | null;
  /** Bytes. */
  size: number;
  /** Milliseconds since 1970, of the file on disk. Null when unknown. */
  lastModified: number | null;
  contentType: string;
  route: string;
  stage: Stage;
  error: ErrorText | null;
  file: StoredFile | null;
  stats: TransferStats | null;
  /** One of many files that were added together: shown without a preview and announced as a group. */
  inLargeBatch: boolean;
}

/** The label of each stage, and whether the upload is still active. */
export const stages: Readonly<Record<Stage, { label: string; isActive: boolean }>> = {
  waiting: { label: 'Waiting', isActive: true },
  reading: { label: 'Reading', isActive: true },
  // An earlier upload of this file resumes: its parts are compared with the file.
  comparing: { label: 'Comparing', isActive: true },
  signing: { label: 'Signing', isActive: true },
  sending: { label: 'On its way', isActive: true },
  checking: { label: 'Checking', isActive: true },
  offline: { label: 'No network', isActive: true },
  retrying: { label: 'Trying again', isActive: true },
  // The user paused it in this page.
  paused: { label: 'Paused', isActive: true },
  // Another tab of this browser sends it.
  'other-tab': { label: 'In another tab', isActive: true },
  // An earlier page started it, and the parts that arrived are kept.
  unfinished: { label: 'Paused', isActive: false },
  received: { label: 'Received', isActive: false },
  refused: { label: 'Refused', isActive: false },
  failed: { label: 'Held up', isActive: false },
  cancelled: { label: 'Cancelled', isActive: false },
  // An earlier page started it, and nothing that arrived was kept.
  interrupted: { label: 'Interrupted', isActive: false },
};

const stageOfStatus = {
  queued: 'waiting',
  preparing: 'reading',
  hashing: 'reading',
  granting: 'signing',
  uploading: 'sending',
  completing: 'checking',
  paused: 'paused',
  done: 'received',
} as const satisfies Partial<Record<UploadSnapshot['status'], Stage>>;

export function applySnapshot(record: ItemRecord, snapshot: UploadSnapshot): ItemRecord {
  const { status, error, file, contentType } = snapshot;
  if (status === 'failed' || status === 'aborted') {
    const text = errorText(error?.code ?? 'aborted', { ...record, details: error?.details });
    return { ...record, stage: text.outcome, error: text };
  }
  return { ...record, contentType, stage: activeStage(snapshot, stageOfStatus[status]), error: null, file };
}

function activeStage({ waiting, status, loaded }: UploadSnapshot, stage: Stage): Stage {
  if (waiting === 'offline') return 'offline';
  if (waiting === 'backoff') return 'retrying';
  return status === 'hashing' && loaded > 0 ? 'comparing' : stage;
}
