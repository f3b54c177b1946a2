/** Whether an upload fits into what its owner may have. */
import type { NewUpload, Quota, QuotaRefusal } from '../server/index.ts';
import type { UsageTable } from './schema.ts';

type Rule = keyof Quota;
type Reserving = Pick<NewUpload, 'reservedBytes'>;

const rules: Readonly<Record<Rule, { used: (total: UsageTable) => number; more: (upload: Reserving) => number }>> = {
  maxBytes: { used: (total) => total.stored_bytes + total.pending_bytes, more: (upload) => upload.reservedBytes },
  maxFiles: { used: (total) => total.stored_files + total.pending_files, more: () => 1 },
  maxPendingBytes: { used: (total) => total.pending_bytes, more: (upload) => upload.reservedBytes },
};

/** @param totals what the owner has without this upload, over all routes and on this one */
export function refusalOf(
  { owner, route }: NewUpload['quotas'],
  totals: { owner: UsageTable; route: UsageTable },
  upload: Reserving,
): QuotaRefusal | null {
  return brokenRule('owner', owner, totals.owner, upload) ?? brokenRule('route', route, totals.route, upload);
}

function brokenRule(
  quota: QuotaRefusal['quota'],
  limits: Quota | null,
  total: UsageTable,
  upload: Reserving,
): QuotaRefusal | null {
  for (const [rule, { used, more }] of Object.entries(rules) as [Rule, (typeof rules)[Rule]][]) {
    const limit = limits?.[rule];
    if (limit === undefined) continue;
    if (used(total) + more(upload) > limit) return { quota, rule, limit, used: used(total) };
  }
  return null;
}
