import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import type { Client, FileLike, OptionsArgument, Upload, UploadSnapshot } from '../client/types.ts';
import type { RouteTypes } from '../protocol/index.ts';

export type UploadStart<Route extends RouteTypes> = (
  file: FileLike,
  ...options: OptionsArgument<Route>
) => Upload<Route['data']>;

export interface UseUploadOptions {
  /**
   * Abort an upload that is not done when the component goes away. @default false: the upload outlives its component
   * @example true
   */
  abortOnUnmount?: boolean;
}

export interface UseUpload<Route extends RouteTypes> {
  /**
   * For event handlers. One upload at a time: while the same file is being sent, as after a double click, that upload is
   * returned and nothing else begins; another file aborts the one before.
   */
  start: UploadStart<Route>;
  /** Null until the first `start`, and after `reset`. */
  upload: UploadSnapshot<Route['data']> | null;
  /** Stops until `resume`, and keeps what has arrived. */
  pause: () => void;
  /** Goes on after `pause`. */
  resume: () => void;
  /** Stops, and tells the server. */
  abort: () => void;
  /** Goes on after `failed` or `aborted`. */
  retry: () => void;
  /** Forgets the upload without touching it: for another file after one that was refused. */
  reset: () => void;
}

/**
 * One upload at a time.
 * @example
 * const { start, upload } = useUpload(client, 'avatar');
 * <input type="file" onChange={(event) => start(event.target.files[0], { metadata: { crop: 'square' } })} />
 */
export function useUpload<Routes extends Record<string, RouteTypes>, R extends keyof Routes & string>(
  client: Client<Routes>,
  route: R,
  { abortOnUnmount = false }: UseUploadOptions = {},
): UseUpload<Routes[R]> {
  const [current, setCurrent] = useState<Upload<Routes[R]['data']> | null>(null);
  /** At once, where state waits for the next render. */
  const running = useRef<[FileLike, Upload<Routes[R]['data']>] | null>(null);
  const getSnapshot = () => current?.getSnapshot() ?? null;
  const upload = useSyncExternalStore(current?.subscribe ?? never, getSnapshot, getSnapshot);
  useAbortOnUnmount(abortOnUnmount, current ? [current] : none);

  const start: UploadStart<Routes[R]> = useCallback(
    (file, ...options) => {
      const [before, upload] = running.current ?? [];
      if (upload && !upload.getSnapshot().file && !upload.getSnapshot().error) {
        if (before === file) {
          upload.resume();
          return upload;
        }
        upload.abort();
      }
      const next = client.upload(route, file, ...options);
      running.current = [file, next];
      setCurrent(next);
      return next;
    },
    [client, route],
  );
  const pause = useCallback(() => current?.pause(), [current]);
  const resume = useCallback(() => current?.resume(), [current]);
  const abort = useCallback(() => current?.abort(), [current]);
  const retry = useCallback(() => current?.retry(), [current]);
  const reset = useCallback(() => {
    running.current = null;
    setCurrent(null);
  }, []);
  return { start, upload, pause, resume, abort, retry, reset };
}

/** Looks at the uploads of the last render when the component goes, not at those of the first. */
export function useAbortOnUnmount(wanted: boolean, uploads: readonly Upload<unknown>[]): void {
  const latest = useRef<readonly Upload<unknown>[]>(none);
  useEffect(() => {
    latest.current = wanted ? uploads : none;
  });
  useEffect(
    () => () => {
      for (const upload of latest.current) upload.abort();
    },
    [],
  );
}

export const none: readonly Upload<never>[] = [];

export function never(): () => void {
  return () => {};
}
