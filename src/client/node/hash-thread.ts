/**
 * Digests of ranges of files in a thread that opens the file itself, so that hashing costs the thread that sends nothing: at
 * 1.4 GB/s it would take most of that one's time from a fast link. Its code is text, so that no bundler has to know; where no
 * thread can be started, and whatever goes wrong in it, the caller does the work itself and finds out what is wrong.
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
parentPort.on('message', ([id, ...job]) => {
  let found;
  try {
    found = digest(...job);
  } catch {}
  parentPort.postMessage([id, found]);
});
`;

/** Below this the way to the thread and back takes longer. Bytes. */
const leastBytes = 1024 * 1024;

const jobs = new Map<number, (digest: string | undefined) => void>();
let thread: Worker | undefined;
let broken = false;
let serial = 0;

/** Base64; undefined when it could not be done here. */
export async function hashInThread(
  file: FileFacts,
  start: number,
  end: number,
  algorithm: string,
): Promise<string | undefined> {
  if (broken || end - start < leastBytes) return undefined;
  try {
    thread ??= startThread();
  } catch {
    broken = true;
    return undefined;
  }
  const id = ++serial;
  const digest = new Promise<string | undefined>((resolve) => jobs.set(id, resolve));
  // The process lives as long as someone waits, and no longer.
  thread.ref();
  thread.postMessage([id, file, start, end, algorithm]);
  return digest;
}

function settle(id: number, digest?: string): void {
  jobs.get(id)?.(digest);
  jobs.delete(id);
  if (jobs.size === 0) thread?.unref();
}

function startThread(): Worker {
  // Flags of the process may load what has no business here.
  const worker = new Worker(code, { eval: true, execArgv: [] });
  worker.on('message', ([id, digest]: [number, string | undefined]) => settle(id, digest));
  const end = () => {
    broken = true;
    for (const id of jobs.keys()) settle(id);
  };
  worker.on('error', end).on('exit', end);
  return worker;
}
