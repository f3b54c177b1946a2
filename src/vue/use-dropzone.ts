import { type ComputedRef, computed, type MaybeRefOrGetter, toValue } from 'vue';
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
import { useObservable, whileMounted } from './use-observable.ts';

export interface UseDropzone {
  /** For the element that files are dropped on: `<div v-bind="rootProps">`. */
  rootProps: ComputedRef<Record<string, unknown>>;
  /** For an `<input v-bind="inputProps">` in that element. It is hidden. */
  inputProps: ComputedRef<Record<string, unknown>>;
  /** Whether files are held over the dropzone. */
  isDragging: ComputedRef<boolean>;
  /** Whether dropped files, which may be in folders, are being found and checked. */
  isReading: ComputedRef<boolean>;
  /** The files of the last drop, choice or paste that were refused. */
  rejections: ComputedRef<readonly Rejection[]>;
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
 * @param options an object, a ref or a getter
 * @example
 * const { rootProps, inputProps, isDragging } = useDropzone(client, 'photos', { onFiles: (files) => start(files) });
 * // <div v-bind="rootProps"><input v-bind="inputProps" />Drop photos here</div>
 */
export function useDropzone<R extends Routes, Name extends keyof R & string>(
  client: Client<R>,
  route: Name,
  options: MaybeRefOrGetter<DropzoneOptions>,
): UseDropzone {
  const dropzone = createDropzone<R, Name>(
    () => ({ client, route }),
    () => toValue(options),
  );
  const { handlers, change, setInput, open, openFolder, clearRejections } = dropzone;
  const state = useObservable(dropzone);
  const routeState = useObservable(createRouteState(client, route));
  whileMounted(dropzone.mount);
  const listeners = {
    onDragenter: handlers.dragenter,
    onDragover: handlers.dragover,
    onDragleave: handlers.dragleave,
    onDrop: handlers.drop,
    onPaste: handlers.paste,
    onClick: handlers.click,
    onKeydown: handlers.keydown,
  };
  return {
    rootProps: computed(() => ({ ...rootAttributes(toValue(options), state.value), ...listeners })),
    inputProps: computed(() => ({
      ...inputAttributes(toValue(options), routeState.value),
      ref: setInput,
      onChange: change,
    })),
    isDragging: computed(() => state.value.isDragging),
    isReading: computed(() => state.value.isReading),
    rejections: computed(() => state.value.rejections),
    open,
    openFolder,
    clearRejections,
  };
}
