/**
 * Sends the parts of an upload: they are hashed two at a time, signed shortly before they are sent, and sent over the
 * connections that all files share. Each part has a worker of its own, so that a part that waits for a digest or an
 * answer never keeps a connection idle.
 */
import { s3PartLimits } from '../../protocol/parts.ts';
import type { Outcome, Run } from '../steps.ts';
import type { PartQueue } from './file-parts.ts';
import { sendPart } from './send-part.ts';
import { createSending, rejectOnAbort } from './sending.ts';
import { type MultipartUpload, reportProgress } from './upload.ts';

/** Smaller parts are tried when a part is larger than the smallest allowed part by this factor. */
const smallerFactor = 1.5;

/**
 * @returns `renew` when the upload should start again with smaller parts
 * @throws WaybillError, after all requests have ended
 */
export async function sendParts(upload: MultipartUpload, parts: PartQueue, run: Run): Promise<Outcome> {
  const { context, source, listed, hosts } = upload;
  const { signal } = run;
  const recovery = await context.loadRecovery();
  recovery.watchForWakeUp(context.exchange);
  const controllers = new Set<AbortController>();
  let end: { error: unknown } | { outcome: Outcome } | undefined;

  function stop(reason: NonNullable<typeof end>): void {
    end ??= reason;
    for (const controller of controllers) controller.abort('error' in reason ? reason.error : undefined);
  }
  const stopAborted = () => stop({ error: signal.reason });

  const canBeSmaller = !source.stream && !upload.wasRemembered && !upload.hasSmallerParts;
  const sending = createSending(upload, parts, run, recovery, (partBytes) => {
    // No part has arrived yet, so only the parts under way are lost.
    if (canBeSmaller && partBytes >= smallerFactor * s3PartLimits.minPartBytes) stop({ outcome: 'renew' });
  });

  async function work(): Promise<void> {
    while (!end) {
      const next = parts.next(signal);
      const controller = new AbortController();
      controllers.add(controller);
      try {
        const part = await Promise.race([next, rejectOnAbort(controller.signal)]);
        if (!part) return;
        await sendPart(sending, part, controller.signal);
      } catch (error) {
        stop({ error });
        // The part is sent in the next run. A stream may still be reading it.
        next.then(
          (part) => part && parts.add(part.partNumber),
          () => {},
        );
      } finally {
        controllers.delete(controller);
      }
    }
  }

  sending.reportLoaded();
  // The file is first compared with the parts in the storage, and only then parts are sent.
  if (listed.size && upload.checksums.algorithm) reportProgress(upload, run, { status: 'hashing' });
  signal.addEventListener('abort', stopAborted);
  try {
    const workers = Math.min(parts.maxParts, hosts.maxRequests * 2);
    await Promise.all(Array.from({ length: workers }, work));
  } finally {
    signal.removeEventListener('abort', stopAborted);
  }
  signal.throwIfAborted();
  if (end && 'error' in end) throw end.error;
  return end?.outcome ?? 'stored';
}
