/**
 * Delivers the webhooks of the outbox: signs and sends each until its receiver accepts it. Replicas share the work.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
import { mapLimited } from '../shared/map-limited.ts';
import type { Ledger, WebhookRecord } from '../state/ledger.ts';
import type { ResolvedWebhooks } from './options.ts';
import { type SendFailure, sendMessage } from './send.ts';

export interface DeliveryOptions {
  /**
   * How long to wait for the answer of the receiver, in milliseconds. Without an answer the attempt has failed.
   * @default 15_000 @example 5_000
   */
  timeoutMs?: number;
  /**
   * Sends the messages, for instance through a proxy. @default fetch @example (url, init) => fetch(url, { ...init,
   * dispatcher })
   */
  fetch?: typeof fetch;
  /** Returns a number n with 0 <= n < 1, for jitter. @default Math.random */
  random?: () => number;
  /** Ends the delivery after the messages that are being sent. @default none @example AbortSignal.timeout(60_000) */
  signal?: AbortSignal;
  /** Called after each attempt. @default none @example ({ outcome, reason }) => console.log(outcome, reason) */
  onDelivery?: (delivery: Delivery) => void;
}

export interface DeliveryContext {
  ledger: Ledger;
  webhooks: Pick<ResolvedWebhooks, 'url' | 'secrets'>;
  /** Milliseconds since the epoch. */
  now: () => number;
}

export interface Delivery {
  webhookId: string;
  uploadId: string;
  type: string;
  /** How often this message has been sent, this attempt included. */
  attempts: number;
  outcome: 'delivered' | 'failed' | 'parked';
  /** Why it was not delivered: the HTTP status or the error. */
  reason?: string;
}

/** Sends the webhooks that are due, each of them once. */
export type DeliverWebhooks = (options?: DeliveryOptions) => Promise<Delivery[]>;

const parallelMessages = 8;
const batchSize = 32;
const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/**
 * Delays before the second attempt, the third and so on, about three days in all. After the last one a message is
 * parked.
 */
const retryDelays = [
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
const maxRetryAfterMs = 24 * hour;

/**
 * Sends every message that is due.
 *
 * @returns the outcome of each attempt
 * @throws errors of the ledger. A message whose outcome the ledger did not record is sent again.
 */
export async function deliverDueWebhooks(
  { ledger, webhooks, now }: DeliveryContext,
  { timeoutMs = 15_000, fetch: send = fetch, random = Math.random, signal, onDelivery }: DeliveryOptions = {},
): Promise<Delivery[]> {
  const { Webhook } = await import('standardwebhooks');
  const signers = webhooks.secrets().map((secret) => new Webhook(secret));
  const deliveries: Delivery[] = [];
  // During this time no other process takes these messages. It is longer than a whole batch can take.
  const reservedForMs = (batchSize / parallelMessages) * timeoutMs * 2;

  async function deliver(message: WebhookRecord): Promise<void> {
    // The delay is 0, so that another process may send the message at once.
    if (signal?.aborted) return ledger.recordWebhookFailure(message.webhookId, 'not sent: the process stopped', 0);
    const failure = await sendMessage({ url: webhooks.url, signers, timeoutMs, fetch: send, now }, message);
    const delivery = await recordOutcome(ledger, message, failure, random);
    deliveries.push(delivery);
    onDelivery?.(delivery);
  }

  while (!signal?.aborted) {
    const errors: unknown[] = [];
    const messages = await ledger.takeWebhooks(batchSize, reservedForMs);
    await mapLimited(messages, parallelMessages, (message) =>
      deliver(message).catch((error: unknown) => {
        errors.push(error);
      }),
    );
    if (errors.length > 0) throw errors[0];
    if (messages.length < batchSize) break;
  }
  return deliveries;
}

async function recordOutcome(
  ledger: Ledger,
  { webhookId, uploadId, type, attempts }: WebhookRecord,
  failure: SendFailure | null,
  random: () => number,
): Promise<Delivery> {
  const facts = { webhookId, uploadId, type, attempts };
  if (!failure) {
    await ledger.recordWebhookDelivery(webhookId);
    return { ...facts, outcome: 'delivered' };
  }
  const { reason, isFinal, retryAfterMs } = failure;
  const delayMs = retryDelays[attempts - 1];
  if (isFinal || delayMs === undefined) {
    await ledger.recordWebhookFailure(webhookId, reason, null);
    return { ...facts, outcome: 'parked', reason };
  }
  const withJitter = delayMs * (1 + jitter * (2 * random() - 1));
  await ledger.recordWebhookFailure(webhookId, reason, Math.max(withJitter, Math.min(maxRetryAfterMs, retryAfterMs)));
  return { ...facts, outcome: 'failed', reason };
}
