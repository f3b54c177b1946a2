import { createSubscriber } from 'svelte/reactivity';
import type { Observable } from '../bindings/index.ts';

/** A function that returns the state, and makes the effect or the component that calls it run again on a change. */
export function observe<State>({ subscribe, getSnapshot }: Observable<State>): () => State {
  const track = createSubscriber(subscribe);
  return () => {
    track();
    return getSnapshot();
  };
}
