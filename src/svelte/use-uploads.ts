import { onDestroy } from 'svelte';
import {
  createUploadList,
  createUploadSlot,
  type Routes,
  type UploadActions,
  type UploadsActions,
  type UseUploadOptions,
} from '../bindings/index.ts';
import type { Client, UploadSnapshot } from '../client/index.ts';
import type { RouteTypes } from '../protocol/index.ts';
import { observe } from './observe.ts';

export interface UseUpload<Route extends RouteTypes> extends UploadActions<Route> {
  /** Reactive. Null until the first `start`, and after `reset`. */
  readonly upload: UploadSnapshot<Route['data']> | null;
}

/**
 * One upload at a time.
 * @example
 * const avatar = useUpload(client, 'avatar');
 * // <input type="file" onchange={(event) => avatar.start(event.currentTarget.files[0])} /> {avatar.upload?.status}
 */
export function useUpload<R extends Routes, Name extends keyof R & string>(
  client: Client<R>,
  route: Name,
  { abortOnUnmount = false }: UseUploadOptions = {},
): UseUpload<R[Name]> {
  const slot = createUploadSlot<R, Name>(() => ({ client, route }));
  if (abortOnUnmount) onDestroy(slot.actions.abort);
  const read = observe(slot);
  return {
    ...slot.actions,
    get upload() {
      return read();
    },
  };
}

export interface UseUploads<Route extends RouteTypes> extends UploadsActions<Route> {
  /** Reactive. In the order of `start`. Use `upload.id` as the key. */
  readonly uploads: readonly UploadSnapshot<Route['data']>[];
}

/**
 * A list of uploads. `start` adds files, and they stay in the list when they are done.
 * @example const photos = useUploads(client, 'photos')
 */
export function useUploads<R extends Routes, Name extends keyof R & string>(
  client: Client<R>,
  route: Name,
  { abortOnUnmount = false }: UseUploadOptions = {},
): UseUploads<R[Name]> {
  const list = createUploadList<R, Name>(() => ({ client, route }));
  if (abortOnUnmount) onDestroy(list.abortAll);
  const read = observe(list);
  return {
    ...list.actions,
    get uploads() {
      return read();
    },
  };
}
