/** What the bindings of all frameworks return and accept. */
import type { Client, FileLike, OptionsArgument, Upload } from '../client/index.ts';
import type { RouteTypes } from '../protocol/index.ts';

export type Routes = Record<string, RouteTypes>;

/**
 * The client and the route that a binding uploads to. It is called for each upload, so that a component may change
 * them.
 */
export type Target<R extends Routes, Name extends keyof R & string> = () => { client: Client<R>; route: Name };

export interface UseUploadOptions {
  /**
   * Aborts uploads that have not ended when the component unmounts. @default false: they continue
   * @example true
   */
  abortOnUnmount?: boolean;
}

/** What can be done with one upload at a time. */
export interface UploadActions<Route extends RouteTypes> {
  /**
   * For event handlers. There is one upload at a time: while the same file is being sent, for example after a double
   * click, the running upload is returned; another file aborts the running upload.
   */
  start: (file: FileLike, ...options: OptionsArgument<Route>) => Upload<Route['data']>;
  /** Stops until `resume`, and keeps what has arrived. */
  pause: () => void;
  /** Continues after `pause`. */
  resume: () => void;
  /** Stops the upload, and tells the server. */
  abort: () => void;
  /** Continues after `failed` or `aborted`. */
  retry: () => void;
  /** Sets `upload` to null and does not abort it: for another file after one that was refused. */
  reset: () => void;
}

/** What can be done with a list of uploads. */
export interface UploadsActions<Route extends RouteTypes> {
  /** For event handlers. Adds the uploads to the end of the list. */
  start: (files: Iterable<FileLike>, ...options: OptionsArgument<Route>) => Upload<Route['data']>[];
  /** Stops one upload until `resume`, and keeps what has arrived. */
  pause: (id: string) => void;
  /** Continues after `pause`. */
  resume: (id: string) => void;
  /** Stops one upload, and tells the server. The upload stays in the list. */
  abort: (id: string) => void;
  /** Continues after `failed` or `aborted`. */
  retry: (id: string) => void;
  /** Removes an upload from the list, and aborts it if it has not ended. */
  remove: (id: string) => void;
}
