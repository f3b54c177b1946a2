/** Sends one message to its receiver once, and interprets the answer. */
import type { Webhook } from 'standardwebhooks';
import { describe } from '../shared/describe.ts';
import type { WebhookRecord } from '../state/ledger.ts';

export interface SendOptions {
  url: string;
  signers: readonly Webhook[];
  timeoutMs: number;
  fetch: typeof fetch;
  now: () => number;
}

/** The reason why a message was not accepted; null when it was. */
export type Refusal = {
  /** The status or the error, never the body of the answer. */
  reason: string;
  /** The receiver wants no more messages (410). */
  gone: boolean;
  /** Milliseconds of `Retry-After`; 0 without one. */
  retryAfterMs: number;
} | null;

const gone = 410;

export async function sendMessage(
  { url, signers, timeoutMs, fetch: send, now }: SendOptions,
  { webhookId, payload }: WebhookRecord,
): Promise<Refusal> {
  const at = new Date(now());
  try {
    const response = await send(url, {
      method: 'POST',
      // The message was not meant for another host.
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
    // The body of the answer is not read. An accepted message stays accepted when this breaks the connection.
    await response.body?.cancel().catch(() => {});
    if (response.ok) return null;
    const { status, headers } = response;
    return {
      reason: `HTTP ${status}`,
      gone: status === gone,
      retryAfterMs: retryAfterMsOf(headers.get('retry-after'), now()),
    };
  } catch (error) {
    return { reason: reasonOf(error, timeoutMs), gone: false, retryAfterMs: 0 };
  }
}

/** Seconds or a date. https://www.rfc-editor.org/rfc/rfc9110#field.retry-after */
export function retryAfterMsOf(value: string | null, nowMs: number): number {
  if (value === null) return 0;
  const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs;
  return ms > 0 ? ms : 0;
}

/** The message of fetch says only that it failed; the reason is in its cause. */
function reasonOf(error: unknown, timeoutMs: number): string {
  const { name, cause } = error as { name?: unknown; cause?: { code?: unknown } | null };
  if (name === 'TimeoutError') return `no answer in ${timeoutMs} ms`;
  if (typeof cause?.code === 'string') return cause.code;
  return describe(error).split('\n', 1)[0] as string;
}
