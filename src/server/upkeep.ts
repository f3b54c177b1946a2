/** What a deployment does besides answering: it sweeps, and delivers webhooks. */
import type { Uploads } from './create-uploads.ts';
import { type Sweeping, type SweepingOptions, startSweeping } from './sweep/loop.ts';
import type { Delivery } from './webhooks/deliver.ts';

export interface UpkeepOptions extends Omit<SweepingOptions, 'ledger'> {
  /** Between looks into the outbox, in seconds. @default 2 */
  deliverEverySeconds?: number;
  onDelivery?: (delivery: Delivery) => void;
}

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
  const sweeping = startSweeping(uploads, { ...options, ...(ledger ? { ledger } : {}) });
  if (!uploads.deliverWebhooks) return sweeping;
  const { deliverWebhooks } = uploads;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let running: Promise<void> = Promise.resolve();

  async function pass(): Promise<void> {
    try {
      await deliverWebhooks(onDelivery ? { onDelivery } : {});
    } catch (error) {
      options.onError?.(error);
    }
    if (!stopped) timer = setTimeout(start, deliverEverySeconds * 1000);
  }

  function start(): void {
    running = pass();
  }

  start();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await Promise.all([sweeping.stop(), running]);
    },
  };
}
