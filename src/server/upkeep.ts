/** The work of a deployment in the background: it sweeps, delivers webhooks and reads a queue of storage events. */
import {
  booleanRule,
  checkOptions,
  functionRule,
  isObject,
  isWholeNumber,
  type OptionRule,
  type OptionTable,
} from '../protocol/internal.ts';
import type { Uploads } from './create-uploads.ts';
import { type Background, startBackground } from './shared/background.ts';
import { type EventQueue, pollQueue } from './storage-events/queue.ts';
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
  /**
   * The queue that the storage sends its events to. Every replica may read it. A message is deleted after it was
   * handled. One that failed is received again, but one that can never be handled (not JSON, for example) is deleted.
   * A queue that cannot be opened (`config_invalid`) is reported to `onError` once and not read.
   * @default none @example sqsQueue({ queueUrl, region: 'eu-west-1' })
   */
  eventQueue?: EventQueue;
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
  eventQueue: { expected: 'a queue, such as sqsQueue({...})', isValid: isObject },
  onError: functionRule,
};

/**
 * Sweeps, delivers webhooks, and reads the queue of storage events, until it is stopped. Every replica may call it:
 * with a ledger one of them sweeps at a time, and each webhook is delivered by one of them.
 *
 * @example const upkeep = startUpkeep(uploads); process.once('SIGTERM', () => upkeep.stop());
 * @throws {WaybillError} `config_invalid` for an option that is unknown or not valid
 */
export function startUpkeep(
  uploads: Pick<Uploads, 'sweep' | 'deliverWebhooks' | 'ledger' | 'handleStorageEvent'>,
  options: UpkeepOptions = {},
): Background {
  checkOptions('startUpkeep()', options, upkeepOptions);
  const { deliverEverySeconds = 2, onDelivery, eventQueue, ...sweepOptions } = options;
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
  if (eventQueue) running.push(pollQueue(eventQueue, uploads, sweepOptions.onError));
  return {
    async stop() {
      await Promise.all(running.map((background) => background.stop()));
    },
  };
}
