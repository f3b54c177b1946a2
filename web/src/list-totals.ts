/** Sums over the list: of the newest batch, and of all files that were received. */
import { formatBytes } from 'waybill';
import { formatCount, formatExactBytes } from './format.ts';
import type { ItemRecord } from './item-record.ts';
import type { UploadItem } from './upload-list.ts';

/** Sums over one batch, see `UploadItem.batch`. */
export interface BatchTotals {
  files: number;
  received: number;
  /** Files that were refused or failed. */
  failed: number;
  active: number;
  paused: number;
  /** Bytes, without those of failed files. */
  loaded: number;
  total: number;
  bytesPerSecond: number;
}

export function batchTotals(items: readonly UploadItem[], batch: number): BatchTotals {
  const totals = { files: 0, received: 0, failed: 0, active: 0, paused: 0, loaded: 0, total: 0, bytesPerSecond: 0 };
  for (const { record, progress, batch: itemBatch, upload } of items) {
    const { stage, size } = record;
    if (itemBatch !== batch || !upload || stage === 'cancelled') continue;
    totals.files++;
    if (stage === 'refused' || stage === 'failed') {
      totals.failed++;
      continue;
    }
    if (stage === 'received') totals.received++;
    else if (stage === 'paused') totals.paused++;
    else totals.active++;
    totals.total += size;
    totals.loaded += stage === 'received' ? size : Math.min(size, progress?.loaded ?? 0);
    if (stage === 'sending') totals.bytesPerSecond += progress?.bytesPerSecond ?? 0;
  }
  return totals;
}

/** `3 received, 4.1 MB, 0 bytes of it through the server`. Empty when nothing was received. */
export function receivedText(records: readonly ItemRecord[]): string {
  const received = records.filter(({ stage }) => stage === 'received');
  if (received.length === 0) return '';
  const bytes = received.reduce((sum, { size }) => sum + size, 0);
  const text = `${formatCount(received.length)} received, ${formatBytes(bytes)}`;
  if (received.some(({ stats }) => stats === null)) return text;
  const throughServer = received.reduce((sum, { stats }) => sum + (stats?.server.fileBytes ?? 0), 0);
  return `${text}, ${formatExactBytes(throughServer)} of it through the server`;
}
