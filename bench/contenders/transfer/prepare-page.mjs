/**
 * Reads each part of a file, and optionally hashes it, without sending it. `go` also returns the longest time for which
 * the page's thread was busy, measured as the delay of a posted message.
 */
import { createHashWorkers } from '../../../dist/client/hash/in-worker.js';
import { watchGaps } from './gaps.mjs';

const workers = createHashWorkers();
const read = (part) => part.arrayBuffer();
const ways = {
  read: { atOnce: 1, prepare: read },
  here: { atOnce: 1, prepare: async (part) => crypto.subtle.digest('SHA-256', await read(part)) },
  overlapped: { atOnce: 2, prepare: async (part) => crypto.subtle.digest('SHA-256', await read(part)) },
  /** Hashes as many parts at a time as the client does. */
  waybill: {
    atOnce: 2,
    async prepare(part) {
      const digest = await workers.hash(part);
      if (!digest) throw new Error('no worker');
    },
  },
};

globalThis.go = async ({ way, partBytes }) => {
  const [file] = document.querySelector('input[type=file]').files;
  const { atOnce, prepare } = ways[way];
  const gaps = watchGaps();
  const start = performance.now();
  let next = 0;
  const lane = async () => {
    while (next < file.size) {
      const at = next;
      next += partBytes;
      await prepare(file.slice(at, Math.min(file.size, at + partBytes)));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  const seconds = (performance.now() - start) / 1000;
  return { bytesPerSecond: file.size / seconds, longestGapMs: gaps.stop() };
};
