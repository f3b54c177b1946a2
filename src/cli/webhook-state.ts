import type { WebhookRecord } from '../server/index.ts';

export const webhookStates = ['pending', 'delivered', 'parked'] as const;

export type WebhookState = (typeof webhookStates)[number];

export function getWebhookState({ nextAt, parkedAt, deliveredAt }: WebhookRecord): WebhookState {
  if (nextAt !== null) return 'pending';
  if (parkedAt !== null) return 'parked';
  return deliveredAt === null ? 'pending' : 'delivered';
}
