/** The object that an app gets for one upload: its state, pause, resume, abort and retry. engine.ts does the work. */
import type { WaybillError } from '../protocol/index.ts';
import type { Engine } from './engine.ts';
import { failure } from './errors.ts';
import { createSnapshots, type Snapshots, type UploadState } from './snapshots.ts';
import type { Upload, UploadResult } from './types.ts';

export function createUpload(
  engine: Engine,
  initial: UploadState,
  now: () => number,
  outerSignal: AbortSignal | undefined,
  running: Set<Upload>,
  translate: (error: WaybillError) => void,
): Upload {
  const snapshots = createSnapshots(initial, now);
  const { state, set, reset, publish, subscribe, getSnapshot } = snapshots;
  const launch = createRuns(engine, snapshots);
  let stop: ReturnType<typeof launch>;
  let done: Promise<UploadResult>;
  let succeed: (result: UploadResult) => void;
  let fail: (error: WaybillError) => void;

  const hasEnded = () => !!(state().error || state().file);

  function start(): void {
    done = new Promise((resolve, reject) => {
      succeed = (result) => {
        set({ ...result, status: 'done', waiting: null, loaded: state().size ?? state().loaded });
        resolve(result);
      };
      fail = (error) => {
        translate(error);
        set({ status: error.code === 'aborted' ? 'aborted' : 'failed', waiting: null, error });
        reject(error);
      };
    });
    stop = launch(succeed, fail);
    running.add(upload);
    const current = done;
    const forget = () => {
      // The upload may have been started again.
      if (done !== current) return;
      running.delete(upload);
      outerSignal?.removeEventListener('abort', abort);
    };
    // This also handles the rejection for apps that only read the snapshot and never use `done`.
    done.then(forget, forget);
    outerSignal?.addEventListener('abort', abort);
    if (outerSignal?.aborted) abort();
  }

  function abort(): void {
    if (hasEnded()) return;
    const error = failure('aborted', 'The upload was cancelled.');
    stop(error);
    engine.abort();
    fail(error);
  }

  const upload: Upload = {
    id: initial.id,
    subscribe,
    getSnapshot,
    pause() {
      if (hasEnded()) return;
      stop();
      set({ status: 'paused', waiting: null });
    },
    resume() {
      if (state().status !== 'paused') return;
      set({ status: 'queued' });
      stop = launch(succeed, fail);
    },
    abort,
    retry() {
      if (!state().error) return;
      reset();
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

/** Returns a function that starts a run of the engine after the end of the last one, and returns how to stop it. */
function createRuns(engine: Engine, { set, resetProgress }: Snapshots) {
  /** A stopped run may still be ending. The next run waits for its end, because both use the engine's state. */
  let lastRun: Promise<unknown> = Promise.resolve();

  return (succeed: (result: UploadResult) => void, fail: (error: WaybillError) => void) => {
    const controller = new AbortController();
    const { signal } = controller;
    resetProgress();
    lastRun = lastRun
      // Reports of a stopped run are out of date.
      .then(() => engine.run(signal, (report) => signal.aborted || set(report)))
      .then(
        (result) => signal.aborted || succeed(result),
        (error) => signal.aborted || fail(error),
      );
    return (reason?: WaybillError) => controller.abort(reason);
  };
}
