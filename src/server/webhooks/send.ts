/** Sends one message once, and interprets the answer. */
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

export interface SendFailure {
  /** The HTTP status or the error, but never the text of the receiver. */
  reason: string;
  /** The receiver answered that it accepts no more messages. */
  isFinal: boolean;
  /** How long the receiver asked to wait, in milliseconds; 0 when it did not ask. */
  retryAfterMs: number;
}

const statusGone = 410;

/** @returns null when the receiver accepted the message */
export async function sendMessage(
  { url, signers, timeoutMs, fetch: send, now }: SendOptions,
  { webhookId, payload }: WebhookRecord,
): Promise<SendFailure | null> {
  const at = new Date(now());
  try {
    const response = await send(url, {
      method: 'POST',
      // A redirect is not followed, because the message is meant for this URL only.
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
    // The body is not read, because a receiver could send any amount. An error here does not change the answer.
    await response.body?.cancel().catch(() => {});
    if (response.ok) return null;
    const { status, headers } = response;
    return {
      reason: `HTTP ${status}`,
      isFinal: status === statusGone,
      retryAfterMs: parseRetryAfterMs(headers.get('retry-after'), now()),
    };
  } catch (error) {
    return { reason: describeSendError(error, timeoutMs), isFinal: false, retryAfterMs: 0 };
  }
}

/** Reads a number of seconds or a date. https://www.rfc-editor.org/rfc/rfc9110#field.retry-after */
export function parseRetryAfterMs(value: string | null, nowMs: number): number {
  if (value === null) return 0;
  const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs;
  return ms > 0 ? ms : 0;
}

/** The message of an error of fetch is only `fetch failed`. The reason is in its `cause`. */
function describeSendError(error: unknown, timeoutMs: number): string {
  const { name, cause } = error as { name?: unknown; cause?: { code?: unknown } | null };
  if (name === 'TimeoutError') return `no answer in ${timeoutMs} ms`;
  if (typeof cause?.code === 'string') return cause.code;
  return describe(error).split('\n', 1)[0] as string;
}
