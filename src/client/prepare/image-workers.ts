/**
 * Runs jobs in two workers, so that the page stays responsive. The worker's code is a Blob, so that bundlers need no
 * configuration and a page may load this module from another origin. Where no worker can be started (a content security
 * policy without `worker-src blob:`) or a worker has no `OffscreenCanvas` (Safari before 16.4), the page's own thread
 * does the job.
 */
import { throwNetworkError } from '../errors.ts';
import { createPool } from '../pool.ts';
import { type Answer, type Job, JobError } from './worker/job.ts';

/** Each worker holds the pixels of one image: 48 MB for 12 megapixels. */
const maxWorkers = 2;
const idleMs = 10_000;

export interface ImageWorkers {
  /** Jobs wait until a worker is free. @throws JobError, or the signal's reason */
  run(job: Job, context: { signal: AbortSignal; onProgress: (fraction: number) => void }): Promise<Blob>;
}

export function createImageWorkers(): ImageWorkers {
  const pool = createPool(maxWorkers);
  let idle: Worker[] = [];
  let isBroken = !globalThis.Worker || !globalThis.OffscreenCanvas;
  let jobCount = 0;
  let idleTimer: ReturnType<typeof setTimeout> | undefined;

  async function acquireWorker(): Promise<Worker | undefined> {
    if (isBroken) return undefined;
    const worker = idle.pop();
    if (worker) return worker;
    const { code } = await import('./worker-code.ts').catch(throwNetworkError);
    const url = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
    try {
      return new Worker(url);
    } catch {
      isBroken = true;
      return undefined;
    } finally {
      // The worker fetches its code after this task.
      setTimeout(() => URL.revokeObjectURL(url), idleMs);
    }
  }

  function endIdleWorkers(): void {
    for (const worker of idle) worker.terminate();
    idle = [];
  }

  function releaseWorker(worker: Worker): void {
    worker.onmessage = worker.onerror = null;
    idle.push(worker);
    clearTimeout(idleTimer);
    idleTimer = setTimeout(endIdleWorkers, idleMs);
  }

  /** Undefined when the worker could not be started. */
  function runIn(
    worker: Worker,
    job: Job,
    { signal, onProgress }: { signal: AbortSignal; onProgress: (fraction: number) => void },
  ): Promise<Blob | undefined> {
    const id = ++jobCount;
    return new Promise((resolve, reject) => {
      const stop = () => {
        // Decoding and encoding cannot be interrupted otherwise.
        worker.terminate();
        reject(signal.reason);
      };
      signal.addEventListener('abort', stop, { once: true });
      worker.onmessage = ({ data }: MessageEvent<Answer>) => {
        if (data.id !== id) return;
        if ('progress' in data) return onProgress(data.progress);
        signal.removeEventListener('abort', stop);
        releaseWorker(worker);
        if ('blob' in data) resolve(data.blob);
        else reject(new JobError(data.failure, data.message));
      };
      // The page's content security policy refuses the worker, and would refuse the next one as well.
      worker.onerror = () => {
        isBroken = true;
        signal.removeEventListener('abort', stop);
        worker.terminate();
        resolve(undefined);
      };
      // A bitmap is copied and not transferred, because the page's own thread may have to do the job.
      worker.postMessage({ id, job });
    });
  }

  return {
    run: (job, context) =>
      pool(0, context.signal, async () => {
        const worker = await acquireWorker();
        context.signal.throwIfAborted();
        const blob = worker && (await runIn(worker, job, context));
        if (blob) return blob;
        const { runJob } = await import('./worker/run-job.ts').catch(throwNetworkError);
        return runJob(job, context.onProgress);
      }),
  };
}
