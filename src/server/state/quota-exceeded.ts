import { formatBytes, WaybillError } from '../../protocol/index.ts';
import type { QuotaRefusal } from './ledger.ts';

export function quotaExceeded({ quota, rule, limit, used }: QuotaRefusal): WaybillError {
  const words = {
    maxBytes: `There is not enough space for this file: ${formatBytes(used)} of ${formatBytes(limit)} are used.`,
    maxFiles: `The limit of ${limit} ${limit === 1 ? 'file' : 'files'} is reached. Delete a file first.`,
    maxPendingBytes: 'Too many uploads are running. Wait until one of them has ended.',
  };
  return new WaybillError('quota_exceeded', words[rule], { details: { quota, rule, limit, used } });
}
