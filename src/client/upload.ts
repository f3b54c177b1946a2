/** The observable side of an upload: snapshots, listeners, pause, abort and retry. engine.ts does the work. */
import type { WaybillError } from '../protocol/index.ts';
import type { Engine } from './engine.ts';
import { failure } from './errors.ts';
import { createProgress } from './progress.ts';
import type { Report } from './steps.ts';
import type { Upload, UploadResult, UploadSnapshot } from './types.ts';

type State = Omit<UploadSnapshot, 'bytesPerSecond' | 'secondsLeft'>;

/** Listeners hear of progress at most this often, and of a change of status at once. */
const notifyEveryMs = 100;

export function createUpload(
  engine: Engine,
  initial: State,
  now: () => number,
  outerSignal: AbortSignal | undefined,
  running: Set<Upload>,
  translate: (error: WaybillError) => void,
): Upload {
  const listeners = new Set<() => void>();
  let state: State;
  let snapshot: UploadSnapshot | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let progress: ReturnType<typeof createProgress>;
  let controller: AbortController;
  let done: Promise<UploadResult>;
  let succeed: (result: UploadResult) => void;
  let fail: (error: WaybillError) => void;
  /** A stopped run may still be ending. The next one waits for it, because both use the engine's state. */
  let lastRun: Promise<unknown> = Promise.resolve();

  function publish(): void {
    clearTimeout(timer);
    timer = undefined;
    snapshot = undefined;
    for (const listener of [...listeners]) listener();
  }

  function set(change: Report | Partial<State>): void {
    const { status, waiting } = state;
    state = { ...state, ...change };
    if (change.loaded !== undefined) progress(now(), change.loaded);
    if (status !== state.status || waiting !== state.waiting) publish();
    else timer ??= setTimeout(publish, notifyEveryMs);
  }

  function launch(): void {
    controller = new AbortController();
    const { signal } = controller;
    progress = createProgress();
    lastRun = lastRun
      // Reports of a stopped run are out of date.
      .then(() => engine.run(signal, (report) => signal.aborted || set(report)))
      .then(
        (result) => signal.aborted || succeed(result),
        (error) => signal.aborted || fail(error),
      );
  }

  function start(): void {
    state = initial;
    done = new Promise((resolve, reject) => {
      succeed = (result) => {
        set({ ...result, status: 'done', waiting: null, loaded: state.size ?? state.loaded });
        resolve(result);
      };
      fail = (error) => {
        translate(error);
        set({ status: error.code === 'aborted' ? 'aborted' : 'failed', waiting: null, error });
        reject(error);
      };
    });
    launch();
    running.add(upload);
    const current = done;
    const forget = () => {
      // It may have been started again.
      if (done !== current) return;
      running.delete(upload);
      outerSignal?.removeEventListener('abort', abort);
    };
    // This also handles the rejection, for apps that watch the snapshot only.
    done.then(forget, forget);
    outerSignal?.addEventListener('abort', abort);
    if (outerSignal?.aborted) abort();
  }

  function abort(): void {
    if (state.error || state.file) return;
    const error = failure('aborted', 'The upload was cancelled.');
    controller.abort(error);
    engine.abort();
    fail(error);
  }

  const upload: Upload = {
    id: initial.id,
    subscribe: (listener) => {
      const entry = () => listener();
      listeners.add(entry);
      return () => listeners.delete(entry);
    },
    getSnapshot: () => {
      if (!snapshot) {
        const bytesPerSecond = state.status === 'uploading' ? progress(now()) : 0;
        const secondsLeft = bytesPerSecond && state.size !== null ? (state.size - state.loaded) / bytesPerSecond : null;
        snapshot = Object.freeze({ ...state, bytesPerSecond, secondsLeft });
      }
      return snapshot;
    },
    pause: () => {
      if (state.error || state.file) return;
      controller.abort();
      set({ status: 'paused', waiting: null });
    },
    resume: () => {
      if (state.status !== 'paused') return;
      set({ status: 'queued' });
      launch();
    },
    abort,
    retry: () => {
      if (!state.error) return;
      start();
      publish();
    },
    get done() {
      return done;
    },
  };
  start();
  return upload;
}
