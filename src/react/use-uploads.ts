import { useState } from 'react';
import { createUploadList, type Routes, type UploadsActions, type UseUploadOptions } from '../bindings/index.ts';
import type { Client, UploadSnapshot } from '../client/index.ts';
import type { RouteTypes } from '../protocol/index.ts';
import { useAbortOnUnmount, useLatest, useObservable } from './use-upload.ts';

export interface UseUploads<Route extends RouteTypes> extends UploadsActions<Route> {
  /** In the order of `start`. Use `snapshot.id` as the React key. */
  uploads: readonly UploadSnapshot<Route['data']>[];
}

/**
 * A list of uploads. `start` adds files, and they stay in the list when they are done. The functions that it returns
 * stay the same for the life of the component.
 * @example const { start, uploads } = useUploads(client, 'photos')
 */
export function useUploads<R extends Routes, Name extends keyof R & string>(
  client: Client<R>,
  route: Name,
  { abortOnUnmount = false }: UseUploadOptions = {},
): UseUploads<R[Name]> {
  const target = useLatest({ client, route });
  const [list] = useState(() => createUploadList<R, Name>(target));
  useAbortOnUnmount(abortOnUnmount, list.abortAll);
  return { ...list.actions, uploads: useObservable(list) };
}
