import { computed, ElementRef, effect, inject, Renderer2, type Signal } from '@angular/core';
import {
  createDropzone,
  createRouteState,
  type Dropzone,
  type DropzoneOptions,
  inputAttributes,
  type Rejection,
  type Routes,
  rootAttributes,
} from '../bindings/index.ts';
import type { Client } from '../client/index.ts';
import { injectObservable, whileRendered } from './inject-observable.ts';

export interface InjectDropzone {
  /** Whether files are held over the dropzone. */
  isDragging: Signal<boolean>;
  /** Whether dropped files, which may be in folders, are being found and checked. */
  isReading: Signal<boolean>;
  /** The files of the last drop, choice or paste that were refused. */
  rejections: Signal<readonly Rejection[]>;
  /** Opens the file dialog. Call it in an event handler of the user's action. */
  open: () => void;
  /** Opens the dialog for a folder, with everything in it. Browsers on phones have none and show files. */
  openFolder: () => void;
  /** Empties `rejections`. */
  clearRejections: () => void;
}

/**
 * Makes the element of the component or directive that calls it a place where users drop, choose or paste files and
 * folders, and adds a hidden input to it. Files that the route refuses are in `rejections`, and are not sent.
 * @param options an object, or a function or signal for options that change
 * @example dropzone = injectDropzone(client, 'photos', { onFiles: (files) => this.photos.start(files) })
 */
export function injectDropzone<R extends Routes, Name extends keyof R & string>(
  client: Client<R>,
  route: Name,
  options: DropzoneOptions | (() => DropzoneOptions),
): InjectDropzone {
  const settings = typeof options === 'function' ? options : () => options;
  const dropzone = createDropzone<R, Name>(() => ({ client, route }), settings);
  const state = injectObservable(dropzone);
  const routeState = injectObservable(createRouteState(client, route));
  const renderer = inject(Renderer2);
  const root: HTMLElement = inject<ElementRef<HTMLElement>>(ElementRef).nativeElement;
  const input: HTMLInputElement = renderer.createElement('input');
  renderer.appendChild(root, input);
  effect(() => {
    setAttributes(renderer, root, rootAttributes(settings(), state()));
    setAttributes(renderer, input, inputAttributes(settings(), routeState()));
  });
  whileRendered(() => listen(dropzone, root, input));
  return {
    isDragging: computed(() => state().isDragging),
    isReading: computed(() => state().isReading),
    rejections: computed(() => state().rejections),
    open: dropzone.open,
    openFolder: dropzone.openFolder,
    clearRejections: dropzone.clearRejections,
  };
}

/** True gives an empty attribute; undefined and false remove it. */
function setAttributes(renderer: Renderer2, element: HTMLElement, attributes: object): void {
  for (const [name, value] of Object.entries(attributes))
    if (value === undefined || value === false) renderer.removeAttribute(element, name);
    else renderer.setAttribute(element, name, value === true ? '' : String(value));
}

function listen({ handlers, change, setInput, mount }: Dropzone, root: HTMLElement, input: HTMLInputElement) {
  const ending = new AbortController();
  const { signal } = ending;
  for (const [name, handle] of Object.entries(handlers))
    root.addEventListener(name, handle as EventListener, { signal });
  input.addEventListener('change', change, { signal });
  setInput(input);
  const unmount = mount();
  return () => {
    unmount();
    setInput(null);
    ending.abort();
  };
}
