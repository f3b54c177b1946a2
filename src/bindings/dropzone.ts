/**
 * A place where users drop, choose or paste files: its state, its event handlers and its attributes, for any framework.
 * The files are checked against the limits of the route before the app gets them.
 */

import { type FoundFile, filesOf } from '../client/folders.ts';
import type { DropzoneOptions, DropzoneState, Rejection } from './dropzone-types.ts';
import { createListeners, type Observable } from './observable.ts';
import type { Routes, Target } from './types.ts';

/** The part of an event that the handlers use; events of React have it as well. */
interface DropzoneEvent {
  readonly target: EventTarget | null;
  readonly currentTarget: EventTarget | null;
  preventDefault(): void;
}
type DragLike = DropzoneEvent & { readonly dataTransfer: DataTransfer | null };

export interface Dropzone extends Observable<DropzoneState> {
  /** By the name of the DOM event. */
  readonly handlers: {
    readonly dragenter: (event: DragLike) => void;
    readonly dragover: (event: DragLike) => void;
    readonly dragleave: (event: DragLike) => void;
    readonly drop: (event: DragLike) => void;
    readonly paste: (event: DropzoneEvent & { readonly clipboardData: DataTransfer | null }) => void;
    readonly click: (event: DropzoneEvent) => void;
    readonly keydown: (event: DropzoneEvent & { readonly key: string }) => void;
  };
  /** For the `change` event of the input. */
  readonly change: (event: DropzoneEvent) => void;
  /** Remembers the input. Null when it is removed. */
  readonly setInput: (input: HTMLInputElement | null) => void;
  /** Opens the file dialog. Call it in an event handler of the user's action. */
  readonly open: () => void;
  /** Opens the dialog for a folder, with everything in it. Browsers on phones have none and show files. */
  readonly openFolder: () => void;
  /** Empties `rejections`. */
  readonly clearRejections: () => void;
  /** Listens to drops beside the dropzone, which would otherwise open the file instead of the page. Returns its end. */
  readonly mount: () => () => void;
}

const nothing: readonly Rejection[] = [];

/** @param settings called for each event, so that a component may change its options */
export function createDropzone<R extends Routes, Name extends keyof R & string>(
  target: Target<R, Name>,
  settings: () => DropzoneOptions,
): Dropzone {
  const listeners = createListeners();
  let state: DropzoneState = { isDragging: false, isReading: false, rejections: nothing };
  let input: HTMLInputElement | null = null;
  let mounts = 0;
  let readings = 0;
  /** What the pointer has entered. Safari does not say which element it goes to, so that entries are counted. */
  const entered = new Set<EventTarget>();

  function set(change: Partial<DropzoneState>): void {
    state = Object.freeze({ ...state, ...change });
    listeners.notify();
  }
  const setDragging = (isDragging: boolean) => isDragging === state.isDragging || set({ isDragging });

  async function take(from: Parameters<typeof filesOf>[0]): Promise<void> {
    const { filter } = settings();
    const unreadable: string[] = [];
    const finding = filesOf(from, { ...(filter && { filter }), onUnreadable: (path) => unreadable.push(path) });
    readings++;
    set({ isReading: true, rejections: nothing });
    const files = await finding;
    // Without an answer, the files are passed on: their uploads wait for a connection, and are checked then.
    const rejections = await findRejections(files, unreadable, target(), settings()).catch(() => nothing);
    readings--;
    set({ isReading: readings > 0, rejections });
    // The component may have been removed while a folder was read.
    if (mounts === 0) return;
    const refused = new Set(rejections.map(({ file }) => file));
    const accepted = files.filter((file) => !refused.has(file));
    if (rejections.length > 0) settings().onReject?.(rejections);
    if (accepted.length > 0) settings().onFiles(accepted);
  }

  function openDialog(ofFolder: boolean): void {
    if (!input || settings().disabled) return;
    input.webkitdirectory = ofFolder;
    input.click();
  }
  const open = () => openDialog(false);
  const isButton = () => settings().isButton ?? true;

  return {
    subscribe: listeners.subscribe,
    getSnapshot: () => state,
    handlers: {
      dragenter(event) {
        if (!hasFiles(event) || settings().disabled) return;
        event.preventDefault();
        if (event.target) entered.add(event.target);
        setDragging(true);
      },
      dragover(event) {
        // Without this, the browser does not allow a drop here.
        if (hasFiles(event) && !settings().disabled) event.preventDefault();
      },
      dragleave({ target, currentTarget }) {
        if (target) entered.delete(target);
        // An element that was removed while the pointer was over it gets no `dragleave`.
        for (const other of entered) if (!(currentTarget as Node).contains(other as Node)) entered.delete(other);
        setDragging(entered.size > 0);
      },
      drop(event) {
        entered.clear();
        setDragging(false);
        if (!hasFiles(event) || settings().disabled) return;
        event.preventDefault();
        take(event.dataTransfer as DataTransfer);
      },
      paste(event) {
        // Text is left to the field that it is pasted into.
        if (!event.clipboardData?.files.length || settings().disabled) return;
        event.preventDefault();
        take(event.clipboardData);
      },
      click({ target, currentTarget }) {
        if (isButton() && !isInsideControl(target, currentTarget)) open();
      },
      keydown(event) {
        if (!isButton() || event.target !== event.currentTarget || !['Enter', ' '].includes(event.key)) return;
        event.preventDefault();
        open();
      },
    },
    change({ target }) {
      const chosen = target as HTMLInputElement;
      const files = [...(chosen.files ?? [])];
      // The same file can then be chosen again. It also empties the list, which has been copied.
      chosen.value = '';
      if (files.length > 0) take(files);
    },
    setInput(next) {
      input = next;
    },
    open,
    openFolder: () => openDialog(true),
    clearRejections: () => set({ rejections: nothing }),
    mount() {
      mounts++;
      const stop = guardPage();
      return () => {
        mounts--;
        stop();
      };
    },
  };
}

async function findRejections<R extends Routes, Name extends keyof R & string>(
  files: readonly FoundFile[],
  unreadable: readonly string[],
  { client, route }: ReturnType<Target<R, Name>>,
  { multiple, messages }: DropzoneOptions,
): Promise<readonly Rejection[]> {
  const [{ limits }, checks] = await Promise.all([client.routeInfo(route), import('./check-files.ts')]);
  const rejections = [
    ...(await checks.findRejections(files, limits, multiple === false ? 1 : limits.maxFiles)),
    ...unreadable.map(checks.rejectUnreadable),
  ];
  for (const { error } of rejections) {
    const message = messages?.[error.code] as string | ((details: unknown) => string) | undefined;
    if (message) error.message = typeof message === 'string' ? message : message(error.details);
  }
  return rejections;
}

function hasFiles({ dataTransfer }: DragLike): boolean {
  return dataTransfer?.types.includes('Files') ?? false;
}

/** Whether the event belongs to a control in the dropzone, for example to a button that removes a file. */
function isInsideControl(target: EventTarget | null, dropzone: EventTarget | null): boolean {
  const control = (target as Element | null)?.closest('a,button,input,label,select,summary,textarea,[contenteditable]');
  return !!control && control !== dropzone && (dropzone as Node).contains(control);
}

/** A file that is dropped beside the dropzone would replace the page, with everything that was entered in it. */
function guardPage(): () => void {
  const refuse = (event: DragEvent) => {
    if (event.defaultPrevented || !hasFiles(event)) return;
    event.preventDefault();
    if (event.dataTransfer) event.dataTransfer.dropEffect = 'none';
  };
  addEventListener('dragover', refuse);
  addEventListener('drop', refuse);
  return () => {
    removeEventListener('dragover', refuse);
    removeEventListener('drop', refuse);
  };
}
