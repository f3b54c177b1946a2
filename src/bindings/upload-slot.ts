import type { FileLike, UploadSnapshot } from '../client/index.ts';
import type { Observable } from './observable.ts';
import type { Routes, Target, UploadActions } from './types.ts';
import { observeUploads } from './upload-list.ts';

export interface UploadSlot<R extends Routes, Name extends keyof R & string>
  extends Observable<UploadSnapshot<R[Name]['data']> | null> {
  readonly actions: UploadActions<R[Name]>;
}

/** One upload at a time. */
export function createUploadSlot<R extends Routes, Name extends keyof R & string>(
  target: Target<R, Name>,
): UploadSlot<R, Name> {
  const { subscribe, getSnapshot, uploads, replace } = observeUploads<R[Name]['data']>();
  const current = () => uploads()[0];
  let sentFile: FileLike | undefined;
  return {
    subscribe,
    getSnapshot: () => getSnapshot()[0] ?? null,
    actions: {
      start(file, ...options) {
        const upload = current();
        const snapshot = upload?.getSnapshot();
        const isRunning = snapshot && !snapshot.file && !snapshot.error;
        if (upload && isRunning && sentFile === file) {
          upload.resume();
          return upload;
        }
        // It has no effect on an upload that has ended.
        upload?.abort();
        const { client, route } = target();
        const next = client.upload(route, file, ...options);
        sentFile = file;
        replace([next]);
        return next;
      },
      pause: () => current()?.pause(),
      resume: () => current()?.resume(),
      abort: () => current()?.abort(),
      retry: () => current()?.retry(),
      reset: () => replace([]),
    },
  };
}
