import { useCallback, useMemo, useState, useSyncExternalStore } from 'react';
import type { Client, FileLike, OptionsArgument, Upload, UploadSnapshot } from '../client/index.ts';
import type { RouteTypes } from '../protocol/index.ts';
import { none, type UseUploadOptions, useAbortOnUnmount } from './use-upload.ts';

export interface UseUploads<Route extends RouteTypes> {
  /** For event handlers. Adds the uploads to the end of the list. */
  start: (files: Iterable<FileLike>, ...options: OptionsArgument<Route>) => Upload<Route['data']>[];
  /** In the order of `start`. Use `snapshot.id` as the React key. */
  uploads: readonly UploadSnapshot<Route['data']>[];
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

/**
 * A list of uploads. `start` adds files, and they stay in the list when they are done.
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

/** The snapshots of all uploads as one value, which stays the same until one of them changes. */
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
