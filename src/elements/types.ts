/** The public types of the web component. */
import type { FoundFile } from '../client/folders.ts';
import type { Client, StoredFile, UploadSnapshot, WaybillError } from '../client/index.ts';
import type { Catalogue } from '../messages/catalogue.ts';
import type { ItemState } from './list/items.ts';

/** One file in the list of a dropzone, as it is now. */
export interface DropzoneFile {
  /** Names the file in methods and events of this dropzone. */
  readonly id: string;
  readonly fileName: string;
  /** Bytes. */
  readonly size: number;
  readonly state: ItemState;
  /** The state of the upload; null before it has been started, and for a file that was uploaded by an earlier page. */
  readonly upload: UploadSnapshot | null;
  /** The stored file, once `state` is `done`. */
  readonly file: StoredFile | null;
}

/** The attributes as properties. Attribute names have dashes: `max-files`. */
export interface DropzoneAttributes {
  /** The address of the app's upload server. @default '/uploads' @example 'https://api.example.com/uploads' */
  endpoint: string;
  /** The route on the server. Nothing is shown or sent without it. @default '' @example 'photos' */
  route: string;
  /** The name of the field in a form. Its value is the `url` of each stored file. @default '' @example 'photos' */
  name: string;
  /** Whether a form needs at least one uploaded file. @default false @example required */
  required: boolean;
  /** @default false @example disabled */
  disabled: boolean;
  /**
   * The most files in the list; 0 for no limit. With 1, another file replaces the first one. @default 0, or 1 on a
   * route with `maxFiles: 1` @example max-files="5"
   */
  maxFiles: number;
  /** Whether files wait for `start()` or the button. @default false: an upload starts at once @example manual */
  manual: boolean;
  /** Whether to show a button that chooses a folder. Folders can always be dropped. @default false @example folders */
  folders: boolean;
  /**
   * Which camera a button opens on phones: `environment` or `user`. @default '': no button
   * @example camera="environment"
   */
  camera: string;
  /** Whether the user can change the order, which is that of the form's values. @default false @example reorder */
  reorder: boolean;
  /**
   * Whether a file that is in the list already is not added again. It is recognised by its name, size, time of change
   * and folder. @default false @example skip-duplicates
   */
  skipDuplicates: boolean;
  /**
   * Keeps the list over a reload of the page, in the session storage under this name, and lists the unfinished uploads
   * of earlier pages. @default '': the list ends with the page @example persist="photos"
   */
  persist: string;
  /** With `page`, files can be pasted anywhere in the page. @default '': when the dropzone has the focus
   * @example paste="page"
   */
  paste: string;
}

/** What only a script can set. */
export interface DropzoneProperties {
  /**
   * The client that sends the files, for one with headers, another language or other options. @default a client for
   * `endpoint` @example dropzone.client = createClient({ endpoint: '/uploads', headers })
   */
  client: Client | null;
  /**
   * The metadata of each upload, or a function that returns it. @default none
   * @example dropzone.metadata = ({ relativePath }) => ({ relativePath })
   */
  metadata: unknown | ((file: FoundFile) => unknown);
  /**
   * Messages of your own, instead of those in the language of the page. @default the catalogue of the closest `lang`
   * @example dropzone.messages = { ...en, drop: 'Drop your photos here' }
   */
  messages: Catalogue | null;
}

/** The events of a dropzone. All of them bubble. */
export interface DropzoneEvents {
  /** The value has changed: a file was uploaded, moved or removed. */
  change: Event;
  /** A file is about to be added. `preventDefault()` leaves it out. */
  'upload-add': CustomEvent<{ file: FoundFile }>;
  'upload-start': CustomEvent<DropzoneFile>;
  'upload-done': CustomEvent<DropzoneFile & { data: unknown }>;
  'upload-failed': CustomEvent<DropzoneFile & { error: WaybillError }>;
  /** The user has removed a file from the list. The stored file is not deleted. */
  'upload-remove': CustomEvent<DropzoneFile>;
}
