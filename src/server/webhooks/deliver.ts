/**
 * Delivers the messages of the outbox: signs and sends them until their receiver accepts them. Any replica may do this.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */

import { type Again, again } from '../shared/background.ts';
import { mapLimited } from '../shared/map-limited.ts';
import type { Ledger, WebhookRecord } from '../state/ledger.ts';
import { checkWebhooks, type WebhooksOptions } from './options.ts';
import { type Refusal, sendMessage } from './send.ts';

export interface DeliveryOptions {
  /** The ledger whose outbox is sent. @example ledger */
  ledger: Ledger;
  /**
   * The receiver and the secret, as in `createUploads({ webhooks })`. @example { url: 'https://app.example/waybill',
   * secret }
   */
  webhooks: WebhooksOptions;
  /** The pause between checks of the outbox, in seconds. @default 2 @example 10 */
  everySeconds?: number;
  /**
   * The time that a receiver has to answer, in milliseconds. After that the attempt has failed. @default 15_000
   * @example 5_000
   */
  timeoutMs?: number;
  /**
   * Sends the messages, for instance through a proxy. @default fetch @example (url, init) => fetch(url, { ...init,
   * dispatcher })
   */
  fetch?: typeof fetch;
  /** Milliseconds since the epoch. @default Date.now */
  now?: () => number;
  /** 0 <= n < 1, for jitter. @default Math.random */
  random?: () => number;
  /** Stops the delivery. Messages that are being sent are waited for. */
  signal?: AbortSignal;
  /** Called after each attempt. @default none @example ({ outcome, reason }) => console.log(outcome, reason) */
  onDelivery?: (delivery: Delivery) => void;
  /** Called when the ledger did not answer. The next check tries again. @default ignored @example console.error */
  onError?: (error: unknown) => void;
}

export interface Delivery {
  webhookId: string;
  uploadId: string;
  type: string;
  attempts: number;
  outcome: 'delivered' | 'failed' | 'parked';
  /** Why the message was not delivered: the status or the error. */
  reason?: string;
}

/** Sends the webhooks that are due, once. */
export type DeliverWebhooks = (
  options?: Pick<DeliveryOptions, 'fetch' | 'random' | 'timeoutMs' | 'signal' | 'onDelivery'>,
) => Promise<Delivery[]>;

export type Delivering = Again;

const parallel = 8;
const batch = 32;
const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/**
 * Waits before the second attempt, the third and so on: about three days in all. After the last the message is parked.
 */
const schedule = [
  5 * second,
  minute,
  5 * minute,
  30 * minute,
  2 * hour,
  5 * hour,
  10 * hour,
  14 * hour,
  20 * hour,
  24 * hour,
];
const jitter = 0.2;
const longestRetryAfterMs = 24 * hour;

/**
 * Sends the due messages once. @returns the attempts @throws what the ledger throws; messages without a record are sent
 * again
 */
export async function deliverDue(options: Omit<DeliveryOptions, 'everySeconds' | 'onError'>): Promise<Delivery[]> {
  const { ledger, webhooks, timeoutMs = 15_000, fetch: send = fetch, now = Date.now, signal, onDelivery } = options;
  const { url, secrets } = checkWebhooks(webhooks);
  const { Webhook } = await import('standardwebhooks');
  const signers = secrets().map((secret) => new Webhook(secret));
  const deliveries: Delivery[] = [];
  // Longer than a batch can take.
  const takenForMs = (batch / parallel) * timeoutMs * 2;
  while (!signal?.aborted) {
    const failures: unknown[] = [];
    const taken = await ledger.takeWebhooks(batch, takenForMs);
    await mapLimited(taken, parallel, async (message) => {
      try {
        // This message was leased but not sent, so any replica may send it next.
        if (signal?.aborted) return await ledger.webhookFailed(message.webhookId, 'not sent: the process stopped', 0);
        const refusal = await sendMessage({ url, signers, timeoutMs, fetch: send, now }, message);
        const delivery = await note(ledger, message, refusal, options.random ?? Math.random);
        deliveries.push(delivery);
        onDelivery?.(delivery);
      } catch (failure) {
        failures.push(failure);
      }
    });
    if (failures.length > 0) throw failures[0];
    if (taken.length < batch) break;
  }
  return deliveries;
}

async function note(
  ledger: Ledger,
  { webhookId, uploadId, type, attempts }: WebhookRecord,
  refusal: Refusal,
  random: () => number,
): Promise<Delivery> {
  const facts = { webhookId, uploadId, type, attempts };
  if (!refusal) {
    await ledger.webhookDelivered(webhookId);
    return { ...facts, outcome: 'delivered' };
  }
  const { reason, gone, retryAfterMs } = refusal;
  const planned = schedule[attempts - 1];
  if (gone || planned === undefined) {
    await ledger.webhookFailed(webhookId, reason, null);
    return { ...facts, outcome: 'parked', reason };
  }
  const spread = planned * (1 + jitter * (2 * random() - 1));
  await ledger.webhookFailed(webhookId, reason, Math.max(spread, Math.min(longestRetryAfterMs, retryAfterMs)));
  return { ...facts, outcome: 'failed', reason };
}

/**
 * @example
 * const delivering = startDelivering({ ledger, webhooks: { url: 'https://app.example/waybill', secret } });
 */
export function startDelivering({
  everySeconds = 2,
  onError,
  ...options
}: Omit<DeliveryOptions, 'signal'>): Delivering {
  checkWebhooks(options.webhooks).secrets();
  return again((signal) => deliverDue({ ...options, signal }), { everySeconds, onError });
}
