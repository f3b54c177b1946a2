/** The state of one upload as immutable snapshots, with listeners. */
import { createProgress } from './progress.ts';
import type { Report } from './steps.ts';
import type { Upload, UploadSnapshot } from './types.ts';

export type UploadState = Omit<UploadSnapshot, 'bytesPerSecond' | 'secondsLeft'>;

export interface Snapshots extends Pick<Upload, 'subscribe' | 'getSnapshot'> {
  state(): UploadState;
  /** Notifies the listeners of a change of status at once, and of progress at most ten times a second. */
  set(change: Report | Partial<UploadState>): void;
  /** Returns to the initial state, and does not notify the listeners. */
  reset(): void;
  /** Notifies the listeners now. */
  publish(): void;
  /** Forgets the measured speed, because the next bytes belong to another run. */
  resetProgress(): void;
}

const notifyEveryMs = 100;

export function createSnapshots(initial: UploadState, now: () => number): Snapshots {
  const listeners = new Set<() => void>();
  let state = initial;
  let snapshot: UploadSnapshot | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let progress = createProgress();

  function publish(): void {
    clearTimeout(timer);
    timer = undefined;
    snapshot = undefined;
    for (const listener of [...listeners]) listener();
  }

  return {
    publish,
    state: () => state,
    reset() {
      state = initial;
    },
    resetProgress() {
      progress = createProgress();
    },
    set(change) {
      const { status, waiting } = state;
      state = { ...state, ...change };
      if (change.loaded !== undefined) progress(now(), change.loaded);
      if (status !== state.status || waiting !== state.waiting) publish();
      else timer ??= setTimeout(publish, notifyEveryMs);
    },
    subscribe(listener) {
      const entry = () => listener();
      listeners.add(entry);
      return () => listeners.delete(entry);
    },
    getSnapshot() {
      if (!snapshot) {
        const bytesPerSecond = state.status === 'uploading' ? progress(now()) : 0;
        const secondsLeft = bytesPerSecond && state.size !== null ? (state.size - state.loaded) / bytesPerSecond : null;
        snapshot = Object.freeze({ ...state, bytesPerSecond, secondsLeft });
      }
      return snapshot;
    },
  };
}
