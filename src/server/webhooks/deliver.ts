/**
 * The outbox's other end: messages are signed and sent until their receiver takes them, by whichever replica has them.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
import type { Webhook } from 'standardwebhooks';
import { mapLimited } from '../batch.ts';
import { describe } from '../describe.ts';
import type { Ledger, WebhookRecord } from '../ledger.ts';
import { checkWebhooks, type WebhooksOptions } from './options.ts';

export interface DeliveryOptions {
  ledger: Ledger;
  webhooks: WebhooksOptions;
  /** How often to look for messages, in seconds. @default 2 */
  everySeconds?: number;
  /** A receiver that has not answered for this long has not taken it. @default 15_000 */
  timeoutMs?: number;
  /** @default fetch */
  fetch?: typeof fetch;
  /** Milliseconds since the epoch. @default Date.now */
  now?: () => number;
  /** 0 <= n < 1, for jitter. @default Math.random */
  random?: () => number;
  onDelivery?: (delivery: Delivery) => void;
  /** The ledger did not answer; it is asked again. */
  onError?: (error: unknown) => void;
}

export interface Delivery {
  webhookId: string;
  uploadId: string;
  type: string;
  attempts: number;
  outcome: 'delivered' | 'failed' | 'parked';
  /** Why it was not delivered: the status, or what broke. */
  reason?: string;
}

export interface Delivering {
  /** Resolves when what it was at is done. */
  stop(): Promise<void>;
}

const parallel = 8;
const batch = 32;
const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** Before the 2nd attempt, the 3rd and so on; after the last it is parked. About three days in all. */
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

/** What is due now, once. @returns what came of each */
export async function deliverDue(options: Omit<DeliveryOptions, 'everySeconds' | 'onError'>): Promise<Delivery[]> {
  const { ledger, webhooks, timeoutMs = 15_000, onDelivery } = options;
  const { url, secrets } = checkWebhooks(webhooks);
  const { Webhook } = await import('standardwebhooks');
  const signers = secrets.map((secret) => new Webhook(secret));
  const deliveries: Delivery[] = [];
  // Longer than all of a batch can take.
  const takenForMs = (batch / parallel) * timeoutMs * 2;
  for (;;) {
    const taken = await ledger.takeWebhooks(batch, takenForMs);
    await mapLimited(taken, parallel, async (message) => {
      const delivery = await deliver(options, url, signers, timeoutMs, message);
      deliveries.push(delivery);
      onDelivery?.(delivery);
    });
    if (taken.length < batch) return deliveries;
  }
}

async function deliver(
  { ledger, fetch: send = fetch, now = Date.now, random = Math.random }: DeliveryOptions,
  url: string,
  signers: readonly Webhook[],
  timeoutMs: number,
  message: WebhookRecord,
): Promise<Delivery> {
  const { webhookId, uploadId, type, payload, attempts } = message;
  const facts = { webhookId, uploadId, type, attempts };
  const at = new Date(now());
  let reason: string;
  let retryAfterMs = 0;
  let gone = false;
  try {
    const response = await send(url, {
      method: 'POST',
      // What it says elsewhere was not meant for elsewhere.
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        'content-type': 'application/json',
        'user-agent': 'waybill',
        'webhook-id': webhookId,
        'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
        'webhook-signature': signers.map((signer) => signer.sign(webhookId, at, payload)).join(' '),
      },
      body: payload,
    });
    await response.body?.cancel();
    if (response.ok) {
      await ledger.webhookDelivered(webhookId);
      return { ...facts, outcome: 'delivered' };
    }
    reason = `HTTP ${response.status}`;
    gone = response.status === 410;
    retryAfterMs = Number(response.headers.get('retry-after') ?? 0) * 1000 || 0;
  } catch (error) {
    reason = describe(error).split('\n', 1)[0] as string;
  }
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
export function startDelivering({ everySeconds = 2, onError, ...options }: DeliveryOptions): Delivering {
  checkWebhooks(options.webhooks);
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let running: Promise<void> = Promise.resolve();

  async function pass(): Promise<void> {
    try {
      await deliverDue(options);
    } catch (error) {
      onError?.(error);
    }
    if (!stopped) timer = setTimeout(start, everySeconds * 1000);
  }

  function start(): void {
    running = pass();
  }

  start();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
