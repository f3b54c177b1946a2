/** Loads the code that a file will need while the server is asked about its route, instead of afterwards. */
import type { ClientContext } from '../context.ts';
import { createHashWorkers } from '../hash/in-worker.ts';
import type { OpenSource } from '../source.ts';

/** Bytes. Below this size, sending the bytes to the worker takes longer than the digest. */
const workerMinBytes = 1024 * 1024;
/** Bytes. A worker holds all of a Blob in memory. */
const workerMaxBytes = 256 * 1024 * 1024;
/** Bytes. The size from which servers ask for parts by default. */
const multipartMinBytes = 16 * 1024 * 1024;

export function preload(context: ClientContext, { size, blob }: OpenSource): void {
  if (size === null || size >= multipartMinBytes) {
    // The code that needs the module imports it again, and handles a failure.
    import('../multipart/index.ts').catch(() => {});
    if (context.resumeStore === undefined) import('../browser/resume-store.ts').catch(() => {});
  }
  if (!blob || blob.size < workerMinBytes) return;
  context.hashWorkers ??= createHashWorkers();
  const { hash } = context.hashWorkers;
  context.hashBlob = async (blob, algorithm) =>
    algorithm === 'sha256' && blob && blob.size >= workerMinBytes && blob.size <= workerMaxBytes
      ? hash(blob)
      : undefined;
  context.hashWorkers.start();
}
