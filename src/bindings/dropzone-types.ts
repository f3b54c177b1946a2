/** What apps pass to a dropzone and get from it. */
import type { FilesOfOptions, FoundFile } from '../client/folders.ts';
import type { Messages } from '../client/index.ts';
import type { WaybillError } from '../protocol/index.ts';

export interface DropzoneOptions {
  /**
   * Called with the files that the route accepts, at least one, in the order of the file manager. Start the uploads
   * here. Each has its `relativePath`, and can be passed to `start`.
   * @example (files) => start(files)
   */
  onFiles: (files: FoundFile[]) => void;
  /**
   * Called with the files that are refused, at least one. They are in `rejections` as well.
   * @default none @example (rejections) => report(rejections.map(({ error }) => error.code))
   */
  onReject?: ((rejections: readonly Rejection[]) => void) | undefined;
  /**
   * Whether several files may be given at once. @default true, unless the route's `maxFiles` is 1
   * @example false
   */
  multiple?: boolean | undefined;
  /** Whether drops, clicks and pastes are ignored. @default false @example true */
  disabled?: boolean | undefined;
  /**
   * Whether the whole dropzone is a button, which opens the file dialog when it is clicked, and by Enter and Space.
   * With false, give it a button that calls `open`. @default true @example false
   */
  isButton?: boolean | undefined;
  /**
   * Which files of a dropped or chosen folder are taken. @default all but the files that file managers create
   * @example ({ fileName }) => !fileName.startsWith('.')
   */
  filter?: FilesOfOptions['filter'] | undefined;
  /**
   * The app's own messages for refused files, by error code: the same object as for `createClient`. @default English
   * @example messages
   */
  messages?: Messages | undefined;
}

/** A file that was dropped, chosen or pasted and will not be uploaded. */
export interface Rejection {
  /** For display. */
  readonly fileName: string;
  /** From the dropped folder to the file's name, separated by `/`. */
  readonly relativePath: string;
  /** Why: for example `file_too_large`, `content_type_not_allowed`, `too_many_files` or `source_unreadable`. */
  readonly error: WaybillError;
  /** Null for a file or folder that could not be read. */
  readonly file: FoundFile | null;
}

/** Immutable. Each change creates a new one. */
export interface DropzoneState {
  /** Whether files are held over the dropzone. */
  readonly isDragging: boolean;
  /** Whether dropped files, which may be in folders, are being found and checked. */
  readonly isReading: boolean;
  /** The files of the last drop, choice or paste that were refused. */
  readonly rejections: readonly Rejection[];
}
