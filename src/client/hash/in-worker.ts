/**
 * Computes SHA-256 of Blobs in two workers. On the page's own thread WebCrypto is as fast, but passing 18 MB to it
 * blocks the page for 30 to 75 ms (measured in Chromium 156). A worker does not block the page. The worker's code is a
 * Blob, so that bundlers need no configuration. Where the page's CSP has no `worker-src blob:`, and outside browsers,
 * the caller computes the digest itself.
 */

/** The last statement frees the memory at once, in browsers that have `ArrayBuffer.transfer`. */
const code = `onmessage = async ({ data: { id, blob } }) => {
  let bytes;
  try {
    bytes = await blob.arrayBuffer();
    postMessage({ id, digest: await crypto.subtle.digest('SHA-256', bytes) });
  } catch {
    postMessage({ id });
  }
  bytes?.transfer?.(0);
};`;

/** Each worker holds one part in memory. */
const maxWorkers = 2;
const idleMs = 10_000;

export interface HashWorkers {
  /** Starting takes time: call it before there is work. Idle workers are ended after ten seconds. */
  start(): void;
  /** Computes a digest as base64. Undefined where no worker can be used. */
  hash(blob: Blob): Promise<string | undefined>;
}

interface HashWorker {
  worker: Worker;
  jobs: Map<number, (digest: ArrayBuffer | undefined) => void>;
}

export function createHashWorkers(): HashWorkers {
  let workers: HashWorker[] = [];
  /** Whether no worker can be started here. */
  let isBroken = !globalThis.Worker || !globalThis.crypto?.subtle;
  let jobCount = 0;
  let idleTimer: ReturnType<typeof setTimeout> | undefined;

  function startWorker(): HashWorker | undefined {
    try {
      const worker = new Worker(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })));
      const jobs: HashWorker['jobs'] = new Map();
      worker.onmessage = ({ data: { id, digest } }) => jobs.get(id)?.(digest);
      // The page's content security policy refuses the worker, and would refuse the next one as well.
      worker.onerror = () => {
        isBroken = true;
        endWorkers();
      };
      const started = { worker, jobs };
      workers.push(started);
      return started;
    } catch {
      isBroken = true;
      return undefined;
    }
  }

  function acquireWorker(): HashWorker | undefined {
    const idle = workers.find(({ jobs }) => !jobs.size);
    if (idle || workers.length < maxWorkers) return idle ?? startWorker();
    return workers.reduce((a, b) => (b.jobs.size < a.jobs.size ? b : a));
  }

  function endWorkers(): void {
    for (const { worker, jobs } of workers) {
      worker.terminate();
      for (const resolve of jobs.values()) resolve(undefined);
    }
    workers = [];
  }

  function endWhenIdle(): void {
    clearTimeout(idleTimer);
    idleTimer = setTimeout(() => workers.some(({ jobs }) => jobs.size) || endWorkers(), idleMs);
  }

  return {
    start() {
      if (isBroken || workers.length) return;
      while (workers.length < maxWorkers && startWorker());
      endWhenIdle();
    },
    async hash(blob) {
      const acquired = isBroken ? undefined : acquireWorker();
      if (!acquired) return undefined;
      clearTimeout(idleTimer);
      const { worker, jobs } = acquired;
      const id = ++jobCount;
      try {
        const digest = await new Promise<ArrayBuffer | undefined>((resolve) => {
          jobs.set(id, resolve);
          worker.postMessage({ id, blob });
        });
        return digest && btoa(String.fromCharCode(...new Uint8Array(digest)));
      } finally {
        jobs.delete(id);
        endWhenIdle();
      }
    },
  };
}
