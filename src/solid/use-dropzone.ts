import type { Accessor, JSX } from 'solid-js';
import {
  createDropzone,
  createRouteState,
  type DropzoneOptions,
  inputAttributes,
  type Rejection,
  type Routes,
  rootAttributes,
} from '../bindings/index.ts';
import type { Client } from '../client/index.ts';
import { observe, whileMounted } from './observe.ts';

export interface UseDropzone {
  /** For the element that files are dropped on: `<div {...rootProps()}>`. */
  rootProps: Accessor<JSX.HTMLAttributes<HTMLDivElement>>;
  /** For an `<input {...inputProps()} />` in that element. It is hidden. */
  inputProps: Accessor<JSX.InputHTMLAttributes<HTMLInputElement>>;
  /** Whether files are held over the dropzone. */
  isDragging: Accessor<boolean>;
  /** Whether dropped files, which may be in folders, are being found and checked. */
  isReading: Accessor<boolean>;
  /** The files of the last drop, choice or paste that were refused. */
  rejections: Accessor<readonly Rejection[]>;
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
 * @param options an object, or an accessor for options that change
 * @example
 * const { rootProps, inputProps, isDragging } = useDropzone(client, 'photos', { onFiles: (files) => start(files) });
 * <div {...rootProps()}><input {...inputProps()} />Drop photos here</div>
 */
export function useDropzone<R extends Routes, Name extends keyof R & string>(
  client: Client<R>,
  route: Name,
  options: DropzoneOptions | Accessor<DropzoneOptions>,
): UseDropzone {
  const settings = typeof options === 'function' ? options : () => options;
  const dropzone = createDropzone<R, Name>(() => ({ client, route }), settings);
  const { handlers, change, setInput, open, openFolder, clearRejections } = dropzone;
  const state = observe(dropzone);
  const routeState = observe(createRouteState(client, route));
  whileMounted(dropzone.mount);
  // `on:` adds listeners to the element itself, where Solid's delegated events have another `currentTarget`.
  const listeners = Object.fromEntries(Object.entries(handlers).map(([name, handle]) => [`on:${name}`, handle]));
  return {
    rootProps: () => ({ ...rootAttributes(settings(), state()), ...listeners }),
    inputProps: () => ({ ...inputAttributes(settings(), routeState()), ref: setInput, 'on:change': change }),
    isDragging: () => state().isDragging,
    isReading: () => state().isReading,
    rejections: () => state().rejections,
    open,
    openFolder,
    clearRejections,
  };
}
