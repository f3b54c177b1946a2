/** What a deployment does besides answering: it sweeps, and delivers webhooks. */

import type { Uploads } from './create-uploads.ts';
import { again } from './shared/background.ts';
import { type Sweeping, type SweepingOptions, startSweeping } from './sweep/loop.ts';
import type { Delivery } from './webhooks/deliver.ts';

export interface UpkeepOptions extends Omit<SweepingOptions, 'ledger'> {
  /** From the end of one sweep to the beginning of the next, in seconds; 0: never. @default 60 @example 300 */
  everySeconds?: number;
  /** The pause between looks into the outbox, in seconds. @default 2 @example 10 */
  deliverEverySeconds?: number;
  /**
   * Called after each attempt to deliver a webhook. @default none @example ({ outcome, reason }) =>
   * console.log(outcome, reason)
   */
  onDelivery?: (delivery: Delivery) => void;
}

const unswept: Sweeping = { stop: async () => {} };

/**
 * One replica at a time sweeps; all deliver, each message by one of them.
 *
 * @example
 * const upkeep = startUpkeep(uploads);
 * process.once('SIGTERM', () => upkeep.stop());
 */
export function startUpkeep(
  uploads: Pick<Uploads, 'sweep' | 'deliverWebhooks' | 'ledger'>,
  { deliverEverySeconds = 2, onDelivery, ...options }: UpkeepOptions = {},
): Sweeping {
  const { ledger } = uploads;
  const sweeping =
    options.everySeconds === 0 ? unswept : startSweeping(uploads, { ...options, ...(ledger ? { ledger } : {}) });
  if (!uploads.deliverWebhooks) return sweeping;
  const { deliverWebhooks } = uploads;
  const delivering = again((signal) => deliverWebhooks({ signal, ...(onDelivery ? { onDelivery } : {}) }), {
    everySeconds: deliverEverySeconds,
    onError: options.onError,
  });
  return {
    async stop() {
      await Promise.all([sweeping.stop(), delivering.stop()]);
    },
  };
}
