import type { Upload, UploadSnapshot } from '../client/index.ts';
import { createListeners, type Observable } from './observable.ts';
import type { Routes, Target, UploadsActions } from './types.ts';

/** Uploads that can be exchanged while their snapshots are observed as one value. */
export interface ObservedUploads<Data> extends Observable<readonly UploadSnapshot<Data>[]> {
  readonly uploads: () => readonly Upload<Data>[];
  readonly replace: (next: readonly Upload<Data>[]) => void;
  readonly abortAll: () => void;
}

export function observeUploads<Data>(): ObservedUploads<Data> {
  let uploads: readonly Upload<Data>[] = [];
  let snapshots: readonly UploadSnapshot<Data>[] = [];
  let stops: readonly (() => void)[] = [];
  const listeners = createListeners(observe);

  function observe(): void {
    for (const stop of stops) stop();
    stops = listeners.count > 0 ? uploads.map((upload) => upload.subscribe(listeners.notify)) : [];
  }

  return {
    subscribe: listeners.subscribe,
    getSnapshot() {
      const next = uploads.map((upload) => upload.getSnapshot());
      if (next.length !== snapshots.length || next.some((snapshot, index) => snapshot !== snapshots[index]))
        snapshots = next;
      return snapshots;
    },
    uploads: () => uploads,
    replace(next) {
      uploads = next;
      observe();
      listeners.notify();
    },
    abortAll() {
      for (const upload of uploads) upload.abort();
    },
  };
}

export interface UploadList<R extends Routes, Name extends keyof R & string>
  extends Observable<readonly UploadSnapshot<R[Name]['data']>[]> {
  readonly actions: UploadsActions<R[Name]>;
  readonly abortAll: () => void;
}

/** A list of uploads. */
export function createUploadList<R extends Routes, Name extends keyof R & string>(
  target: Target<R, Name>,
): UploadList<R, Name> {
  const { subscribe, getSnapshot, uploads, replace, abortAll } = observeUploads<R[Name]['data']>();
  const find = (id: string) => uploads().find((upload) => upload.id === id);
  return {
    subscribe,
    getSnapshot,
    abortAll,
    actions: {
      start(files, ...options) {
        const { client, route } = target();
        const added = client.uploadAll(route, files, ...options);
        replace([...uploads(), ...added]);
        return added;
      },
      pause: (id) => find(id)?.pause(),
      resume: (id) => find(id)?.resume(),
      abort: (id) => find(id)?.abort(),
      retry: (id) => find(id)?.retry(),
      remove(id) {
        find(id)?.abort();
        replace(uploads().filter((upload) => upload.id !== id));
      },
    },
  };
}
