import { useCallback, useMemo, useState, useSyncExternalStore } from 'react';
import type { Client, FileLike, OptionsArgument, Upload, UploadSnapshot } from '../client/types.ts';
import type { RouteTypes } from '../protocol/index.ts';
import { none, type UseUploadOptions, useAbortOnUnmount } from './use-upload.ts';

export interface UseUploads<Route extends RouteTypes> {
  /** For event handlers. Appends to the list. */
  start: (files: Iterable<FileLike>, ...options: OptionsArgument<Route>) => Upload<Route['data']>[];
  /** In the order of `start`; `snapshot.id` is a fitting React key. */
  uploads: readonly UploadSnapshot<Route['data']>[];
  /** Stops one upload until `resume`, and keeps what has arrived. */
  pause: (id: string) => void;
  /** Goes on after `pause`. */
  resume: (id: string) => void;
  /** Stops one upload, and tells the server. It stays in the list. */
  abort: (id: string) => void;
  /** Goes on after `failed` or `aborted`. */
  retry: (id: string) => void;
  /** Takes it off the list, and aborts it if it still runs. */
  remove: (id: string) => void;
}

/**
 * A list of uploads: files are added by `start` and stay in the list when they are done.
 * @example const { start, uploads } = useUploads(client, 'photos')
 */
export function useUploads<Routes extends Record<string, RouteTypes>, R extends keyof Routes & string>(
  client: Client<Routes>,
  route: R,
  { abortOnUnmount = false }: UseUploadOptions = {},
): UseUploads<Routes[R]> {
  type Data = Routes[R]['data'];
  const [list, setList] = useState<readonly Upload<Data>[]>(none);
  const { subscribe, getSnapshot } = useMemo(() => observeAll(list), [list]);
  const uploads = useSyncExternalStore(subscribe, getSnapshot, getSnapshot);
  useAbortOnUnmount(abortOnUnmount, list);

  const start: UseUploads<Routes[R]>['start'] = useCallback(
    (files, ...options) => {
      const added = client.uploadAll(route, files, ...options);
      setList((before) => [...before, ...added]);
      return added;
    },
    [client, route],
  );
  const find = (id: string) => list.find((upload) => upload.id === id);
  return {
    start,
    uploads,
    pause: (id) => find(id)?.pause(),
    resume: (id) => find(id)?.resume(),
    abort: (id) => find(id)?.abort(),
    retry: (id) => find(id)?.retry(),
    remove: (id) => {
      find(id)?.abort();
      setList((before) => before.filter((upload) => upload.id !== id));
    },
  };
}

/** The list's snapshots as one value, the same one until any of them changes. */
export function observeAll<Data>(list: readonly Upload<Data>[]) {
  let last: readonly UploadSnapshot<Data>[] = [];
  return {
    subscribe: (listener: () => void) => {
      const stops = list.map((upload) => upload.subscribe(listener));
      return () => {
        for (const stop of stops) stop();
      };
    },
    getSnapshot: () => {
      const next = list.map((upload) => upload.getSnapshot());
      if (next.length !== last.length || next.some((snapshot, index) => snapshot !== last[index])) last = next;
      return last;
    },
  };
}
