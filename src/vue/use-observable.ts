import { getCurrentInstance, onMounted, onScopeDispose, type ShallowRef, shallowRef } from 'vue';
import type { Observable } from '../bindings/index.ts';

/** The state of an observable, from the mount of the component to its end; outside of a component from now on. */
export function useObservable<State>({ subscribe, getSnapshot }: Observable<State>): Readonly<ShallowRef<State>> {
  const state = shallowRef(getSnapshot());
  const update = () => {
    state.value = getSnapshot();
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
  let end = () => {};
  const run = () => {
    end = begin();
  };
  if (getCurrentInstance()) onMounted(run);
  else run();
  onScopeDispose(() => end(), true);
}
