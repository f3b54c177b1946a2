import { afterNextRender, DestroyRef, inject, type Signal, signal } from '@angular/core';
import type { Observable } from '../bindings/index.ts';

/** The state of an observable, from the first rendering in a browser to the end of the component or service. */
export function injectObservable<State>({ subscribe, getSnapshot }: Observable<State>): Signal<State> {
  const state = signal(getSnapshot());
  const update = () => state.set(getSnapshot());
  whileRendered(() => {
    const stop = subscribe(update);
    update();
    return stop;
  });
  return state.asReadonly();
}

/** Runs `begin` after the first rendering, never on a server, and what it returned at the end of the component. */
export function whileRendered(begin: () => () => void): void {
  let isDestroyed = false;
  let end = () => {};
  inject(DestroyRef).onDestroy(() => {
    isDestroyed = true;
    end();
  });
  afterNextRender(() => {
    if (!isDestroyed) end = begin();
  });
}
