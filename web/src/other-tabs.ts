/** Shows the uploads of other tabs of this browser, and offers to continue those that a closed tab has left. */
import type { Client, ResumeProgress } from 'waybill/client';
import type { BrowserResumeStore } from 'waybill/client/resume-store';
import { showEarlierUploads } from './earlier-uploads.ts';
import type { SavedList } from './saved-list.ts';
import type { UploadItem, UploadList } from './upload-list.ts';

/** How often to check whether the tab that sends a file is still open. */
const checkEveryMs = 2000;

export interface OtherTabsOptions {
  list: UploadList;
  client: Client;
  store: BrowserResumeStore;
  savedList: SavedList;
  onChange(): void;
}

export function watchOtherTabs(options: OtherTabsOptions): void {
  const { list, store, savedList, onChange } = options;
  store.listen((progress) => showProgress(list, progress, onChange));
  setInterval(() => {
    if (list.items.some(isInOtherTab)) void findAbandoned(options);
  }, checkEveryMs);
  addEventListener('storage', (event) => {
    const records = savedList.readEvent(event);
    if (!records) return;
    const itemOfId = new Map(list.items.map((item) => [item.record.id, item]));
    for (const record of records.reverse()) {
      const item = itemOfId.get(record.id);
      if (item?.upload || record.stage === 'interrupted' || record.stage === 'unfinished') continue;
      if (!item) list.add(record);
      else if (item.record.stage !== record.stage) {
        item.record = record;
        item.resumable = null;
        list.redraw(item);
      }
    }
    onChange();
  });
}

function isInOtherTab({ record }: UploadItem): boolean {
  return record.stage === 'other-tab';
}

function showProgress(list: UploadList, progress: ResumeProgress, onChange: () => void): void {
  const { fingerprint, size, loaded, status } = progress;
  const known = list.items.find((item) => item.fingerprint === fingerprint);
  if (known?.upload || status === 'done' || status === 'failed' || status === 'aborted') return;
  const item = known ?? addItem(list, progress);
  item.progress = { loaded, total: size, bytesPerSecond: 0, secondsLeft: null };
  if (!isInOtherTab(item)) {
    item.record = { ...item.record, stage: 'other-tab', error: null };
    onChange();
  }
  list.redraw(item);
}

function addItem(list: UploadList, { fingerprint, fileName, size }: ResumeProgress): UploadItem {
  const [route = ''] = fingerprint.split(' ').slice(1);
  const item = list.add({
    id: `tab ${fingerprint}`,
    number: list.nextNumber(),
    fileName,
    relativePath: null,
    size,
    lastModified: null,
    contentType: 'application/octet-stream',
    route,
    stage: 'other-tab',
    error: null,
    file: null,
    stats: null,
    inLargeBatch: false,
  });
  item.fingerprint = fingerprint;
  return item;
}

/** Finds uploads that their tab no longer sends, because it has finished them or was closed. */
async function findAbandoned({ list, client, store, onChange }: OtherTabsOptions): Promise<void> {
  const [busy, entries] = await Promise.all([store.busy(), store.list()]);
  const unfinished = new Set(entries.map(({ fingerprint }) => fingerprint));
  for (const item of list.items.filter(isInOtherTab)) {
    const fingerprint = item.fingerprint ?? '';
    if (busy.has(fingerprint)) continue;
    item.record = { ...item.record, stage: 'interrupted' };
    // The upload has ended in the other tab, whose saved list contains the result.
    if (!unfinished.has(fingerprint) && item.record.id.startsWith('tab ')) list.remove(item);
    else list.redraw(item);
  }
  await showEarlierUploads(list, client, store);
  onChange();
}
