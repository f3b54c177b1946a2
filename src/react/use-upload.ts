import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import {
  createUploadSlot,
  type Observable,
  type Routes,
  type UploadActions,
  type UseUploadOptions,
} from '../bindings/index.ts';
import type { Client, UploadSnapshot } from '../client/index.ts';
import type { RouteTypes } from '../protocol/index.ts';

export interface UseUpload<Route extends RouteTypes> extends UploadActions<Route> {
  /** Null until the first `start`, and after `reset`. */
  upload: UploadSnapshot<Route['data']> | null;
}

/**
 * One upload at a time. The functions that it returns stay the same for the life of the component.
 * @example
 * const { start, upload } = useUpload(client, 'avatar');
 * <input type="file" onChange={(event) => start(event.target.files[0], { metadata: { crop: 'square' } })} />
 */
export function useUpload<R extends Routes, Name extends keyof R & string>(
  client: Client<R>,
  route: Name,
  { abortOnUnmount = false }: UseUploadOptions = {},
): UseUpload<R[Name]> {
  const target = useLatest({ client, route });
  const [slot] = useState(() => createUploadSlot<R, Name>(target));
  useAbortOnUnmount(abortOnUnmount, slot.actions.abort);
  return { ...slot.actions, upload: useObservable(slot) };
}

export function useObservable<State>({ subscribe, getSnapshot }: Observable<State>): State {
  return useSyncExternalStore(subscribe, getSnapshot, getSnapshot);
}

/** A function that returns the value of the last render. It stays the same for the life of the component. */
export function useLatest<Value>(value: Value): () => Value {
  const latest = useRef(value);
  useEffect(() => {
    latest.current = value;
  });
  return useState(() => () => latest.current)[0];
}

/** @param abort stays the same for the life of the component */
export function useAbortOnUnmount(enabled: boolean, abort: () => void): void {
  const isEnabled = useLatest(enabled);
  useEffect(
    () => () => {
      if (isEnabled()) abort();
    },
    [isEnabled, abort],
  );
}
