/** The state that the workers that send the parts of one upload share. */
import type { Run } from '../steps.ts';
import type { Part, PartQueue } from './file-parts.ts';
import { createPace, type Pace, type SendingPart } from './pace.ts';
import { type MultipartUpload, reportProgress } from './upload.ts';

export interface SendingParts {
  readonly upload: MultipartUpload;
  readonly run: Run;
  readonly recovery: typeof import('../recovery/index.ts');
  readonly pace: Pace;
  readonly underWay: Set<SendingPart>;
  /**
   * Resolves when the listed parts have been compared with the file. No part is sent before, because parts of a wrong
   * file must not be added to them.
   */
  readonly compared: Promise<void>;
  /** Called when a listed part is equal to the part of this file. */
  confirm(partNumber: number): void;
  arrivedBytes(): number;
  reportLoaded(): void;
  /** Called when the part is in the storage. */
  recordArrival(part: Part, checksum: string | undefined): void;
}

/** @param onSlow called with the size of a part when parts take too long and none has arrived */
export function createSending(
  upload: MultipartUpload,
  parts: PartQueue,
  run: Run,
  recovery: SendingParts['recovery'],
  onSlow: (partBytes: number) => void,
): SendingParts {
  const { arrived, listed, hosts, context } = upload;
  const underWay = new Set<SendingPart>();
  const uncompared = new Set<number>();
  for (const [partNumber, { checksum }] of listed) if (checksum) uncompared.add(partNumber);
  let allCompared = () => {};
  const compared = new Promise<void>((resolve) => {
    allCompared = resolve;
  });
  if (!uncompared.size) allCompared();
  let arrivedBytes = 0;
  for (const { size } of arrived.values()) arrivedBytes += size;

  function reportLoaded(): void {
    let loaded = arrivedBytes;
    for (const part of underWay) loaded += part.loaded;
    reportProgress(upload, run, { loaded });
  }

  return {
    upload,
    run,
    recovery,
    underWay,
    compared,
    reportLoaded,
    pace: createPace(context.now, (bytes, ms, partBytes) => {
      hosts.recordPart(bytes, ms);
      if (!arrivedBytes) onSlow(partBytes);
    }),
    arrivedBytes: () => arrivedBytes,
    confirm(partNumber) {
      listed.delete(partNumber);
      uncompared.delete(partNumber);
      if (!uncompared.size) allCompared();
    },
    recordArrival({ partNumber, source: { size } }, checksum) {
      arrived.set(partNumber, { size, checksum });
      // A list that was made before this answer may name the part. The next run would wait to compare it.
      listed.delete(partNumber);
      parts.drop(partNumber);
      arrivedBytes += size;
      reportLoaded();
    },
  };
}

export function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
