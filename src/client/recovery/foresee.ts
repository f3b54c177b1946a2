/** What a file will need of the code that loads later: asked for while the server is, instead of one after the other. */
import type { ChecksumAlgorithm } from '../../protocol/index.ts';
import { hashInWorker, startWorkers } from '../hash/in-worker.ts';
import type { JourneyContext } from '../journey.ts';
import type { OpenSource } from '../source.ts';

/** Bytes; below this handing a digest over costs more than the digest. */
const elsewhereMinBytes = 1024 * 1024;
/** Bytes; a worker holds all of it. */
const elsewhereMaxBytes = 256 * 1024 * 1024;
/** Bytes from which servers ask for parts if nobody told them otherwise. */
const likelyLarge = 16 * 1024 * 1024;

export function foresee(context: JourneyContext, { size, blob }: OpenSource): void {
  if (size === null || size >= likelyLarge) {
    // Whoever needs them asks for them again.
    import('../multipart/index.ts').catch(() => {});
    if (context.resumeStore === undefined) import('../browser/resume-store.ts').catch(() => {});
  }
  if (blob && blob.size >= elsewhereMinBytes) {
    context.elsewhere = elsewhere;
    startWorkers();
  }
}

async function elsewhere(blob: Blob | undefined, algorithm: ChecksumAlgorithm): Promise<string | undefined> {
  return algorithm === 'sha256' && blob && blob.size >= elsewhereMinBytes && blob.size <= elsewhereMaxBytes
    ? hashInWorker(blob)
    : undefined;
}
