import { onScopeDispose, type ShallowRef } from 'vue';
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
import { useObservable } from './use-observable.ts';

export interface UseUpload<Route extends RouteTypes> extends UploadActions<Route> {
  /** Null until the first `start`, and after `reset`. */
  upload: Readonly<ShallowRef<UploadSnapshot<Route['data']> | null>>;
}

/**
 * One upload at a time.
 * @example
 * const { start, upload } = useUpload(client, 'avatar');
 * // <input type="file" @change="start($event.target.files[0], { metadata: { crop: 'square' } })" />
 */
export function useUpload<R extends Routes, Name extends keyof R & string>(
  client: Client<R>,
  route: Name,
  { abortOnUnmount = false }: UseUploadOptions = {},
): UseUpload<R[Name]> {
  const slot = createUploadSlot<R, Name>(() => ({ client, route }));
  if (abortOnUnmount) onScopeDispose(slot.actions.abort);
  return { ...slot.actions, upload: useObservable(slot) };
}

export interface UseUploads<Route extends RouteTypes> extends UploadsActions<Route> {
  /** In the order of `start`. Use `upload.id` as the key. */
  uploads: Readonly<ShallowRef<readonly UploadSnapshot<Route['data']>[]>>;
}

/**
 * A list of uploads. `start` adds files, and they stay in the list when they are done.
 * @example const { start, uploads } = useUploads(client, 'photos')
 */
export function useUploads<R extends Routes, Name extends keyof R & string>(
  client: Client<R>,
  route: Name,
  { abortOnUnmount = false }: UseUploadOptions = {},
): UseUploads<R[Name]> {
  const list = createUploadList<R, Name>(() => ({ client, route }));
  if (abortOnUnmount) onScopeDispose(list.abortAll);
  return { ...list.actions, uploads: useObservable(list) };
}
