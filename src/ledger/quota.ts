/** Checks whether an upload fits into the quota of its owner. */
import type { Quota } from '../server/index.ts';
import type { NewUpload, QuotaRefusal } from '../server/internal.ts';
import type { UsageTable } from './schema.ts';

type Rule = keyof Quota;
type ReservedUpload = Pick<NewUpload, 'reservedBytes'>;

const rules: Readonly<Record<Rule, { used: (total: UsageTable) => number; more: (upload: ReservedUpload) => number }>> =
  {
    maxBytes: { used: (total) => total.stored_bytes + total.pending_bytes, more: (upload) => upload.reservedBytes },
    maxFiles: { used: (total) => total.stored_files + total.pending_files, more: () => 1 },
    maxPendingBytes: { used: (total) => total.pending_bytes, more: (upload) => upload.reservedBytes },
  };

/** @param totals the usage of the owner without this upload, over all routes and on this one */
export function findBrokenQuota(
  { owner, route }: NewUpload['quotas'],
  totals: { owner: UsageTable; route: UsageTable },
  upload: ReservedUpload,
): QuotaRefusal | null {
  return findBrokenRule('owner', owner, totals.owner, upload) ?? findBrokenRule('route', route, totals.route, upload);
}

function findBrokenRule(
  quota: QuotaRefusal['quota'],
  limits: Quota | null,
  total: UsageTable,
  upload: ReservedUpload,
): QuotaRefusal | null {
  for (const [rule, { used, more }] of Object.entries(rules) as [Rule, (typeof rules)[Rule]][]) {
    const limit = limits?.[rule];
    if (limit === undefined) continue;
    if (used(total) + more(upload) > limit) return { quota, rule, limit, used: used(total) };
  }
  return null;
}
