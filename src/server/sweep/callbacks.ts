import type { CompletionService } from '../completion/service.ts';
import { mapLimited } from '../shared/map-limited.ts';
import type { Ledger } from '../state/ledger.ts';
import type { SweepOptions, SweepProgress } from './report.ts';

export interface CallbackSweep {
  ledger: Pick<Ledger, 'findDueEndCallbacks'>;
  completion: Pick<CompletionService, 'runEndCallback'>;
  options: Pick<SweepOptions, 'signal'>;
  progress: SweepProgress;
}

const parallel = 8;
const batchSize = 100;
/** One sweep handles at most this many batches. The next sweep handles the rest. */
const maxBatches = 1000;

/**
 * Runs the callbacks of uploads that have ended: those of the uploads that this sweep has let expire, those that threw,
 * and those whose process has died.
 */
export async function sweepCallbacks({ ledger, completion, options, progress }: CallbackSweep): Promise<void> {
  const seen = new Set<string>();
  for (let n = 0; n < maxBatches; n += 1) {
    options.signal?.throwIfAborted();
    const found = await ledger.findDueEndCallbacks(batchSize);
    const due = found.filter(({ uploadId }) => !seen.has(uploadId));
    if (due.length === 0) return;
    for (const { uploadId } of due) seen.add(uploadId);
    await mapLimited(due, parallel, (record) =>
      progress.runStep(async () => {
        const outcome = await completion.runEndCallback(record);
        return outcome === 'failed' ? 'callbacksFailed' : null;
      }, options.signal),
    );
  }
}
