import { createAttachmentKey } from 'svelte/attachments';
import {
  createDropzone,
  createRouteState,
  type DropzoneOptions,
  type DropzoneState,
  inputAttributes,
  type Routes,
  rootAttributes,
} from '../bindings/index.ts';
import type { Client } from '../client/index.ts';
import { observe } from './observe.ts';

/** `isDragging`, `isReading` and `rejections` are reactive. */
export interface UseDropzone extends DropzoneState {
  /** Reactive. For the element that files are dropped on: `<div {...dropzone.rootProps}>`. */
  readonly rootProps: Record<string, unknown>;
  /** Reactive. For an `<input {...dropzone.inputProps} />` in that element. It is hidden. */
  readonly inputProps: Record<string, unknown>;
  /** Opens the file dialog. Call it in an event handler of the user's action. */
  open: () => void;
  /** Opens the dialog for a folder, with everything in it. Browsers on phones have none and show files. */
  openFolder: () => void;
  /** Empties `rejections`. */
  clearRejections: () => void;
}

/**
 * A place where users drop, choose or paste files and folders. Files that the route refuses are in `rejections`, and
 * are not sent.
 * @param options an object, or a function for options that change
 * @example
 * const dropzone = useDropzone(client, 'photos', { onFiles: (files) => photos.start(files) });
 * // <div {...dropzone.rootProps}><input {...dropzone.inputProps} />Drop photos here</div>
 */
export function useDropzone<R extends Routes, Name extends keyof R & string>(
  client: Client<R>,
  route: Name,
  options: DropzoneOptions | (() => DropzoneOptions),
): UseDropzone {
  const settings = typeof options === 'function' ? options : () => options;
  const dropzone = createDropzone<R, Name>(() => ({ client, route }), settings);
  const { handlers, change, setInput, mount, open, openFolder, clearRejections } = dropzone;
  const read = observe(dropzone);
  const readRoute = observe(createRouteState(client, route));
  // Svelte runs an attachment when the element is created in a browser, and what it returned when it is removed.
  const listeners = {
    ...Object.fromEntries(Object.entries(handlers).map(([name, handle]) => [`on${name}`, handle])),
    [createAttachmentKey()]: mount,
  };
  const inputListeners = {
    onchange: change,
    [createAttachmentKey()]: (input: HTMLInputElement) => {
      setInput(input);
      return () => setInput(null);
    },
  };
  return {
    get rootProps() {
      return { ...rootAttributes(settings(), read()), ...listeners };
    },
    get inputProps() {
      return { ...inputAttributes(settings(), readRoute()), ...inputListeners };
    },
    get isDragging() {
      return read().isDragging;
    },
    get isReading() {
      return read().isReading;
    },
    get rejections() {
      return read().rejections;
    },
    open,
    openFolder,
    clearRejections,
  };
}
