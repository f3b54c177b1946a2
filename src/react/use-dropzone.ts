import {
  type ChangeEvent,
  type HTMLAttributes,
  type InputHTMLAttributes,
  type RefCallback,
  useEffect,
  useState,
} from 'react';
import {
  createDropzone,
  type Dropzone,
  type DropzoneOptions,
  type DropzoneState,
  inputAttributes,
  type Routes,
  rootAttributes,
} from '../bindings/index.ts';
import type { Client } from '../client/index.ts';
import { useRoute } from './use-route.ts';
import { useLatest, useObservable } from './use-upload.ts';

type RootProps = HTMLAttributes<HTMLElement>;
type InputProps = InputHTMLAttributes<HTMLInputElement>;

export interface UseDropzone extends DropzoneState {
  /**
   * The props of the element that files are dropped on. Pass props of your own through it: your event handlers are
   * called first, and a handler that calls `preventDefault()` keeps the dropzone from handling the event.
   */
  getRootProps: (own?: RootProps) => RootProps;
  /** The props of an `<input>` in that element. It is hidden. */
  getInputProps: (own?: InputProps) => InputProps & { ref: RefCallback<HTMLInputElement> };
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
 * @example
 * const onFiles = (files) => start(files);
 * const { getRootProps, getInputProps, isDragging } = useDropzone(client, 'photos', { onFiles });
 * <div {...getRootProps()}><input {...getInputProps()} />Drop photos here</div>
 */
export function useDropzone<R extends Routes, Name extends keyof R & string>(
  client: Client<R>,
  route: Name,
  options: DropzoneOptions,
): UseDropzone {
  const target = useLatest({ client, route });
  const settings = useLatest(options);
  const [dropzone] = useState(() => createDropzone<R, Name>(target, settings));
  const state = useObservable(dropzone);
  const routeState = useRoute(client, route);
  useEffect(() => dropzone.mount(), [dropzone]);
  const { tabindex, ...attributes } = rootAttributes(options, state);
  return {
    ...state,
    getRootProps: (own) => ({
      ...attributes,
      ...(tabindex !== undefined && { tabIndex: tabindex }),
      ...own,
      ...mergeHandlers(handlersOf(dropzone), own),
    }),
    getInputProps: (own) => ({
      ...inputAttributes(options, routeState),
      ...own,
      ref: dropzone.setInput,
      ...mergeHandlers({ onChange: (event: ChangeEvent<HTMLInputElement>) => dropzone.change(event) }, own),
    }),
    open: dropzone.open,
    openFolder: dropzone.openFolder,
    clearRejections: dropzone.clearRejections,
  };
}

function handlersOf({ handlers }: Dropzone) {
  return {
    onDragEnter: handlers.dragenter,
    onDragOver: handlers.dragover,
    onDragLeave: handlers.dragleave,
    onDrop: handlers.drop,
    onPaste: handlers.paste,
    onClick: handlers.click,
    onKeyDown: handlers.keydown,
  };
}

type Handler = (event: never) => void;

function mergeHandlers<Handlers extends Record<string, Handler>>(ours: Handlers, own: object = {}): Handlers {
  const merged = Object.entries(ours).map(([name, handle]) => {
    const handleFirst = (own as Record<string, Handler | undefined>)[name];
    const handleBoth = (event: { defaultPrevented: boolean }) => {
      handleFirst?.(event as never);
      if (!event.defaultPrevented) handle(event as never);
    };
    return [name, handleFirst ? handleBoth : handle];
  });
  return Object.fromEntries(merged);
}
