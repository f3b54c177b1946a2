/** The files in the list of a dropzone, and what the list shows about each of them. */
import type { FoundFile } from '../../client/folders.ts';
import type { Resumable, StoredFile, Upload, UploadSnapshot, WaybillError } from '../../client/index.ts';

/**
 * `ready`: it waits for `start()`. `interrupted`: an earlier page sent it, and did not finish. The others are those of
 * `UploadSnapshot`.
 */
export type ItemState = 'ready' | 'interrupted' | UploadSnapshot['status'];

/** One file in the list. It changes; `state` and `snapshot` are read when they are needed. */
export interface Item {
  readonly id: string;
  readonly fileName: string;
  /** Bytes. */
  readonly size: number;
  /** Equal for the same file: its name, size, time of change and folder. */
  readonly identity: string;
  /** Null for a file of an earlier page. */
  found: FoundFile | null;
  upload: Upload | null;
  /** An unfinished upload of an earlier page. */
  resumable: Resumable | null;
  /** The result that an earlier page has saved. */
  saved: StoredFile | null;
}

export function stateOf({ upload, found, saved }: Item): ItemState {
  if (upload) return upload.getSnapshot().status;
  if (saved) return 'done';
  return found ? 'ready' : 'interrupted';
}

export function storedFileOf({ upload, saved }: Item): StoredFile | null {
  return upload?.getSnapshot().file ?? saved;
}

export function errorOf({ upload }: Item): WaybillError | null {
  return upload?.getSnapshot().error ?? null;
}

const activeStates: ReadonlySet<ItemState> = new Set(['queued', 'hashing', 'granting', 'uploading', 'completing']);

/** Whether the upload is under way by itself. */
export const isActive = (item: Item): boolean => activeStates.has(stateOf(item));

/** Whether the upload has neither ended nor waits for its user to begin. A paused one is running. */
export const isRunning = (item: Item): boolean => isActive(item) || stateOf(item) === 'paused';

/** From 0 to 1. */
export function shareOf(item: Item): number {
  if (stateOf(item) === 'done') return 1;
  const { loaded = 0, total = null } = item.upload?.getSnapshot() ?? {};
  return total ? Math.min(1, loaded / total) : 0;
}

/** Errors that the same file will meet again. */
const finalCodes: ReadonlySet<string> = new Set([
  'content_type_mismatch',
  'content_type_not_allowed',
  'file_too_large',
  'file_too_small',
  'forbidden',
  'too_many_files',
  'upload_rejected',
]);

/** What the first button of a file does. */
export type MainAction = 'pause' | 'resume' | 'retry' | 'chooseAgain';

const needsOtherFile: ReadonlySet<string> = new Set(['source_unreadable', 'source_changed']);

export function mainActionOf(item: Item): MainAction | null {
  const state = stateOf(item);
  if (isActive(item)) return 'pause';
  if (state === 'paused') return 'resume';
  if (state === 'aborted') return 'retry';
  if (state === 'interrupted') return item.resumable && !item.resumable.needsFile ? 'resume' : 'chooseAgain';
  if (state !== 'failed') return null;
  const code = errorOf(item)?.code ?? '';
  if (needsOtherFile.has(code)) return 'chooseAgain';
  return finalCodes.has(code) ? null : 'retry';
}

/** The item of a file that was dropped, chosen or pasted. */
export function itemOf(found: FoundFile): Item {
  return {
    id: newId(),
    fileName: found.fileName,
    size: found.size,
    identity: identityOf(found),
    found,
    upload: null,
    resumable: null,
    saved: null,
  };
}

export function identityOf({ relativePath, size, blob }: FoundFile): string {
  return [relativePath, size, blob.lastModified].join(' ');
}

export function newId(): string {
  return Math.random().toString(36).slice(2);
}
