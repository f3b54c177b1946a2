/** The observable half of an upload: snapshots, listeners, abort and retry. The work is done in journey.ts. */
import type { WaybillError } from '../protocol/index.ts';
import { failure } from './errors.ts';
import type { Journey, Report } from './journey.ts';
import { createProgress } from './progress.ts';
import type { Upload, UploadResult, UploadSnapshot } from './types.ts';

type State = Omit<UploadSnapshot, 'bytesPerSecond' | 'secondsLeft'>;

/** Progress reaches listeners at most this often; changes of state do at once. */
const notifyEveryMs = 100;

export function createUpload(
  journey: Journey,
  initial: State,
  now: () => number,
  outer: AbortSignal | undefined,
  running: Set<Upload>,
  word: (error: WaybillError) => void,
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
  /** The run before, perhaps still about to notice that it was stopped: two at once would share one state. */
  let last: Promise<unknown> = Promise.resolve();

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
    last = last
      // Whatever a stopped run still says is about the past.
      .then(() => journey.run(signal, (report) => signal.aborted || set(report)))
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
        word(error);
        set({ status: error.code === 'aborted' ? 'aborted' : 'failed', waiting: null, error });
        reject(error);
      };
    });
    launch();
    running.add(upload);
    const current = done;
    const forget = () => {
      // Perhaps it is being tried again by now.
      if (done !== current) return;
      running.delete(upload);
      outer?.removeEventListener('abort', abort);
    };
    // Also: those who watch the snapshot need not await.
    done.then(forget, forget);
    outer?.addEventListener('abort', abort);
    if (outer?.aborted) abort();
  }

  function abort(): void {
    if (state.error || state.file) return;
    const error = failure('aborted', 'The upload was cancelled.');
    controller.abort(error);
    journey.abort();
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
