import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import type { Client, FileLike, OptionsArgument, Upload, UploadSnapshot } from '../client/index.ts';
import type { RouteTypes } from '../protocol/index.ts';

export type UploadStart<Route extends RouteTypes> = (
  file: FileLike,
  ...options: OptionsArgument<Route>
) => Upload<Route['data']>;

export interface UseUploadOptions {
  /**
   * Aborts an upload that has not ended when the component unmounts. @default false: the upload continues
   * @example true
   */
  abortOnUnmount?: boolean;
}

export interface UseUpload<Route extends RouteTypes> {
  /**
   * For event handlers. There is one upload at a time: while the same file is being sent, for example after a double
   * click, the running upload is returned; another file aborts the running upload.
   */
  start: UploadStart<Route>;
  /** Null until the first `start`, and after `reset`. */
  upload: UploadSnapshot<Route['data']> | null;
  /** Stops until `resume`, and keeps what has arrived. */
  pause: () => void;
  /** Continues after `pause`. */
  resume: () => void;
  /** Stops the upload, and tells the server. */
  abort: () => void;
  /** Continues after `failed` or `aborted`. */
  retry: () => void;
  /** Sets `upload` to null and does not abort it: for another file after one that was refused. */
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
  /** A ref, because a second `start` may come before the next render. */
  const running = useRef<{ file: FileLike; upload: Upload<Routes[R]['data']> } | null>(null);
  const getSnapshot = () => current?.getSnapshot() ?? null;
  const upload = useSyncExternalStore(current?.subscribe ?? never, getSnapshot, getSnapshot);
  useAbortOnUnmount(abortOnUnmount, current ? [current] : none);

  const start: UploadStart<Routes[R]> = useCallback(
    (file, ...options) => {
      const before = running.current;
      const snapshot = before?.upload.getSnapshot();
      if (before && !snapshot?.file && !snapshot?.error) {
        if (before.file === file) {
          before.upload.resume();
          return before.upload;
        }
        before.upload.abort();
      }
      const next = client.upload(route, file, ...options);
      running.current = { file, upload: next };
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

/** At unmount, aborts the uploads of the last render. */
export function useAbortOnUnmount(enabled: boolean, uploads: readonly Upload<unknown>[]): void {
  const latest = useRef<readonly Upload<unknown>[]>(none);
  useEffect(() => {
    latest.current = enabled ? uploads : none;
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
