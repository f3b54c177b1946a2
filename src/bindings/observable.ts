/** State that changes, and tells its listeners. */
export interface Observable<State> {
  /** `listener` is called after each change. Returns a function that unsubscribes. */
  readonly subscribe: (listener: () => void) => () => void;
  /** The current state. The same object is returned until something changes. */
  readonly getSnapshot: () => State;
}

export interface Listeners {
  readonly subscribe: Observable<unknown>['subscribe'];
  notify(): void;
  readonly count: number;
}

/** @param onChange called when the first listener has come, and when the last one has left */
export function createListeners(onChange: () => void = () => {}): Listeners {
  const listeners = new Set<() => void>();
  return {
    subscribe(listener) {
      // The same function may listen twice.
      const entry = () => listener();
      listeners.add(entry);
      if (listeners.size === 1) onChange();
      return () => {
        if (listeners.delete(entry) && listeners.size === 0) onChange();
      };
    },
    notify() {
      for (const listener of [...listeners]) listener();
    },
    get count() {
      return listeners.size;
    },
  };
}
