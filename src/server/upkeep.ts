/** The work of a deployment in the background: it sweeps and delivers webhooks. */
import {
  booleanRule,
  checkOptions,
  functionRule,
  isWholeNumber,
  type OptionRule,
  type OptionTable,
} from '../protocol/internal.ts';
import type { Uploads } from './create-uploads.ts';
import { type Background, startBackground } from './shared/background.ts';
import { type SweepLoopOptions, startSweepLoop } from './sweep/loop.ts';
import type { Delivery } from './webhooks/deliver.ts';

export interface UpkeepOptions extends SweepLoopOptions {
  /** The pause between looks into the outbox, in seconds. @default 2 @example 10 */
  deliverEverySeconds?: number;
  /**
   * Called after each attempt to deliver a webhook. @default none @example ({ outcome, reason }) =>
   * console.log(outcome, reason)
   */
  onDelivery?: (delivery: Delivery) => void;
}

const secondsRule: OptionRule = {
  expected: 'a number of seconds',
  isValid: (value) => typeof value === 'number' && value >= 0,
};
const textRule: OptionRule = { expected: 'a string', isValid: (value) => typeof value === 'string' };

const upkeepOptions: OptionTable<UpkeepOptions> = {
  everySeconds: secondsRule,
  graceSeconds: { expected: 'a whole number of seconds', isValid: isWholeNumber(0, Number.MAX_SAFE_INTEGER) },
  orphans: booleanRule,
  orphanPrefix: textRule,
  deleteOrphans: booleanRule,
  orphansEverySeconds: secondsRule,
  holder: textRule,
  random: functionRule,
  deliverEverySeconds: secondsRule,
  onReport: functionRule,
  onDelivery: functionRule,
  onError: functionRule,
};

/**
 * Sweeps, and delivers webhooks, until it is stopped. Every replica may call it: with a ledger one of them sweeps at a
 * time, and each webhook is delivered by one of them.
 *
 * @example const upkeep = startUpkeep(uploads); process.once('SIGTERM', () => upkeep.stop());
 * @throws {WaybillError} `config_invalid` for an option that is unknown or not valid
 */
export function startUpkeep(
  uploads: Pick<Uploads, 'sweep' | 'deliverWebhooks' | 'ledger'>,
  options: UpkeepOptions = {},
): Background {
  checkOptions('startUpkeep()', options, upkeepOptions);
  const { deliverEverySeconds = 2, onDelivery, ...sweepOptions } = options;
  const { deliverWebhooks } = uploads;
  const running: Background[] = [];
  if (sweepOptions.everySeconds !== 0) running.push(startSweepLoop(uploads, sweepOptions));
  if (deliverWebhooks)
    running.push(
      startBackground((signal) => deliverWebhooks({ signal, ...(onDelivery ? { onDelivery } : {}) }), {
        delayMs: () => deliverEverySeconds * 1000,
        onError: sweepOptions.onError,
      }),
    );
  return {
    async stop() {
      await Promise.all(running.map((background) => background.stop()));
    },
  };
}
