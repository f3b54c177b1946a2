import { DestroyRef, inject, type Signal } from '@angular/core';
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
import { injectObservable } from './inject-observable.ts';

export interface InjectUpload<Route extends RouteTypes> extends UploadActions<Route> {
  /** Null until the first `start`, and after `reset`. */
  upload: Signal<UploadSnapshot<Route['data']> | null>;
}

/**
 * One upload at a time.
 * @example
 * avatar = injectUpload(client, 'avatar');
 * // <input type="file" (change)="avatar.start($event.target.files[0])" /> {{ avatar.upload()?.status }}
 */
export function injectUpload<R extends Routes, Name extends keyof R & string>(
  client: Client<R>,
  route: Name,
  { abortOnUnmount = false }: UseUploadOptions = {},
): InjectUpload<R[Name]> {
  const slot = createUploadSlot<R, Name>(() => ({ client, route }));
  if (abortOnUnmount) inject(DestroyRef).onDestroy(slot.actions.abort);
  return { ...slot.actions, upload: injectObservable(slot) };
}

export interface InjectUploads<Route extends RouteTypes> extends UploadsActions<Route> {
  /** In the order of `start`. Use `upload.id` to track it. */
  uploads: Signal<readonly UploadSnapshot<Route['data']>[]>;
}

/**
 * A list of uploads. `start` adds files, and they stay in the list when they are done.
 * @example photos = injectUploads(client, 'photos')
 */
export function injectUploads<R extends Routes, Name extends keyof R & string>(
  client: Client<R>,
  route: Name,
  { abortOnUnmount = false }: UseUploadOptions = {},
): InjectUploads<R[Name]> {
  const list = createUploadList<R, Name>(() => ({ client, route }));
  if (abortOnUnmount) inject(DestroyRef).onDestroy(list.abortAll);
  return { ...list.actions, uploads: injectObservable(list) };
}
