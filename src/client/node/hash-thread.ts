/**
 * Hashes ranges of files in a thread that opens the file itself. On a fast network the digests, at 1.4 GB/s, would take
 * most of the time of the thread that sends. The thread's code is text, so that bundlers need no configuration. Where
 * no thread can be started, or when it fails, the caller hashes the file itself and sees the error.
 */
import { Worker } from 'node:worker_threads';
import type { FileFacts } from './file-range.ts';

const code = `
const { parentPort } = require('node:worker_threads');
const { createHash } = require('node:crypto');
const { closeSync, fstatSync, openSync, readSync } = require('node:fs');
const buffer = Buffer.allocUnsafeSlow(256 * 1024);
function digest({ path, size, mtimeMs }, start, end, algorithm) {
  const fd = openSync(path, 'r');
  try {
    const now = fstatSync(fd);
    if (now.size !== size || now.mtimeMs !== mtimeMs) return undefined;
    const hash = createHash(algorithm);
    for (let at = start; at < end; ) {
      const read = readSync(fd, buffer, 0, Math.min(buffer.length, end - at), at);
      if (read === 0) return undefined;
      hash.update(buffer.subarray(0, read));
      at += read;
    }
    return hash.digest('base64');
  } finally {
    closeSync(fd);
  }
}
parentPort.on('message', ({ id, file, start, end, algorithm }) => {
  let result;
  try {
    result = digest(file, start, end, algorithm);
  } catch {}
  parentPort.postMessage({ id, digest: result });
});
`;

/** Bytes. Below this size, the way to the thread and back takes longer than the digest. */
const minBytes = 1024 * 1024;

/** Base64; undefined when the thread could not hash the file. */
type HashInThread = (file: FileFacts, start: number, end: number, algorithm: string) => Promise<string | undefined>;

/** One thread for the whole process: `fileSource()` belongs to no client. */
export const hashInThread = createHashThread();

function createHashThread(): HashInThread {
  const jobs = new Map<number, (digest: string | undefined) => void>();
  let thread: Worker | undefined;
  let isBroken = false;
  let jobCount = 0;

  function finishJob(id: number, digest?: string): void {
    jobs.get(id)?.(digest);
    jobs.delete(id);
    if (jobs.size === 0) thread?.unref();
  }

  function startThread(): Worker {
    // Flags of the process could load code that is not meant for this thread.
    const worker = new Worker(code, { eval: true, execArgv: [] });
    worker.on('message', ({ id, digest }: { id: number; digest?: string }) => finishJob(id, digest));
    const onEnd = () => {
      isBroken = true;
      for (const id of jobs.keys()) finishJob(id);
    };
    worker.on('error', onEnd).on('exit', onEnd);
    return worker;
  }

  return async (file, start, end, algorithm) => {
    if (isBroken || end - start < minBytes) return undefined;
    try {
      thread ??= startThread();
    } catch {
      isBroken = true;
      return undefined;
    }
    const id = ++jobCount;
    const digest = new Promise<string | undefined>((resolve) => jobs.set(id, resolve));
    // The process stays alive while a digest is awaited, and no longer.
    thread.ref();
    thread.postMessage({ id, file, start, end, algorithm });
    return digest;
  };
}
