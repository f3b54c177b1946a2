import { type Accessor, createSignal, onCleanup, onMount } from 'solid-js';
import type { Observable } from '../bindings/index.ts';

/** The state of an observable, from the mount of the component to its end. */
export function observe<State>({ subscribe, getSnapshot }: Observable<State>): Accessor<State> {
  const [state, setState] = createSignal(getSnapshot());
  const update = () => {
    setState(() => getSnapshot());
  };
  whileMounted(() => {
    const stop = subscribe(update);
    update();
    return stop;
  });
  return state;
}

/** Runs `begin` when the component is mounted, never on a server, and what it returned when the component ends. */
export function whileMounted(begin: () => () => void): void {
  onMount(() => onCleanup(begin()));
}
