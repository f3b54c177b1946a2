/** The page: connects the file picker, the list and the totals, and saves the list. */
import { createClient } from 'waybill/client';
import { browserResumeStore } from 'waybill/client/resume-store';
import { addFiles } from './add-files.ts';
import { createAnnouncer } from './announcer.ts';
import { breakBeforeSlashes, requireElement, setText } from './dom.ts';
import { showEarlierUploads } from './earlier-uploads.ts';
import { createFilePicker } from './file-picker.ts';
import { formatCount } from './format.ts';
import type { TransferStats } from './item-record.ts';
import { batchTotals, receivedText } from './list-totals.ts';
import { watchOtherTabs } from './other-tabs.ts';
import { loadPageConfig, type PageConfig } from './page-config.ts';
import { createRoutePicker } from './route-picker.ts';
import { createSavedList, parseTransferStats, type SavedList } from './saved-list.ts';
import { createTotalProgress, type TotalProgress } from './total-progress.ts';
import { isActive, type UploadItem, UploadList } from './upload-list.ts';

/** Up to this length of the list, every change is counted and saved at once; above it, at intervals. */
const shortList = 50;
const countEveryMs = 300;
const saveEveryMs = 1500;

function start(config: PageConfig): void {
  const store = browserResumeStore();
  const client = createClient({
    endpoint: config.endpoint,
    resumeStore: store,
    checkContent: async (...file) => (await import('waybill/client/check-content')).checkContent(...file),
  });
  const endpoint = new URL(config.endpoint, location.href);
  const savedList = createSavedList(localStorage);
  const announce = createAnnouncer(requireElement('announcer', HTMLElement));
  const notice = requireElement('notice', HTMLElement);
  const fileButton = requireElement('choose', HTMLButtonElement);
  const routePicker = createRoutePicker(requireElement('routes', HTMLElement), config.routes, client);
  const showNotice = (message: string) => {
    notice.hidden = false;
    setText(notice, message);
    announce(message);
  };
  setText(requireElement('from', HTMLElement), location.host);
  // A long address breaks before a slash, not within a name.
  requireElement('to', HTMLElement).replaceChildren(...breakBeforeSlashes(config.storageName));
  setText(requireElement('signer', HTMLElement), endpoint.host);

  const list = new UploadList({
    client,
    list: requireElement('list', HTMLOListElement),
    acceptsRelativePath: config.acceptsRelativePath === true,
    announce,
    openFileDialog: () => filePicker.openDialog(),
    resolveUrl: (url) => new URL(url, endpoint).href,
    fetchStats: (uploadId) => fetchTransferStats(config.transferStatsUrl, uploadId),
    onChange: () => onChange(),
    fallbackFocus: fileButton,
  });
  const totalProgress = createTotalProgress({
    resumeAll: () => client.resume(),
    pauseAll: () => client.pause(),
    cancelAll: () => client.abort(),
  });
  const onChange = createChangeHandler(list, savedList, totalProgress);
  const filePicker = createFilePicker({
    fileInput: requireElement('picker', HTMLInputElement),
    folderInput: requireElement('folder-picker', HTMLInputElement),
    fileButton,
    folderButton: requireElement('choose-folder', HTMLButtonElement),
    onFiles(files) {
      notice.hidden = true;
      void addFiles(list, files, { route: routePicker.selectedRoute(), showNotice });
    },
    showNotice,
  });
  // The user chooses other files than the one that an item asked for. `capture` runs this before the dialog opens.
  for (const id of ['choose', 'choose-folder'])
    requireElement(id, HTMLButtonElement).addEventListener('click', () => list.takeAwaitedFile(), { capture: true });
  requireElement('upload-form', HTMLFormElement).addEventListener('submit', (event) => event.preventDefault());
  requireElement('clear', HTMLButtonElement).addEventListener('click', () => {
    for (const item of list.items.filter(isClearable)) list.remove(item);
    fileButton.focus();
  });

  for (const record of savedList.load().reverse()) list.add(record);
  onChange();
  showEarlierUploads(list, client, store)
    .catch(() => {})
    .finally(() => {
      onChange();
      const interrupted = list.items.filter(({ record }) => record.stage === 'interrupted').length;
      if (interrupted > 1) showNotice(interruptedText(interrupted));
      watchOtherTabs({ list, client, store, savedList, onChange });
    });
}

/** Returns a function that shows the counts and saves the list after a change. */
function createChangeHandler(list: UploadList, savedList: SavedList, totalProgress: TotalProgress): () => void {
  const showTotals = () => totalProgress.show(batchTotals(list.items, list.batch));
  const count = createThrottle(countEveryMs, () => {
    showCounts(list.items);
    showTotals();
  });
  const save = createThrottle(saveEveryMs, () => savedList.save(list.items.map(({ record }) => record)));
  addEventListener('pagehide', () => save(true));
  // Speed and progress change without a change of stage.
  setInterval(showTotals, countEveryMs);
  return () => {
    const isShort = list.items.length <= shortList;
    count(isShort);
    save(isShort);
  };
}

function showCounts(items: readonly UploadItem[]): void {
  document.documentElement.classList.toggle('has-uploads', items.length > 0);
  requireElement('empty', HTMLElement).hidden = items.length > 0;
  requireElement('clear', HTMLButtonElement).hidden = !items.some(isClearable);
  setText(requireElement('tally', HTMLElement), receivedText(items.map(({ record }) => record)));
  const sending = items.filter((item) => isActive(item) && item.record.stage !== 'paused').length;
  document.title = sending > 0 ? `(${sending}) Waybill` : 'Waybill';
}

function isClearable(item: UploadItem): boolean {
  return !isActive(item) && !item.resumable;
}

function interruptedText(count: number): string {
  const advice = 'Choose or drop them again, or their whole folder: what has been received is not sent twice.';
  return `${formatCount(count)} files were interrupted. ${advice}`;
}

/** Calls `work` at once for `now`, and otherwise once at the end of the interval. */
function createThrottle(everyMs: number, work: () => void): (now: boolean) => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const run = () => {
    clearTimeout(timer);
    timer = undefined;
    work();
  };
  return (now) => {
    if (now) run();
    else timer ??= setTimeout(run, everyMs);
  };
}

async function fetchTransferStats(baseUrl: string | null, uploadId: string): Promise<TransferStats | null> {
  if (baseUrl === null) return null;
  try {
    const response = await fetch(`${baseUrl}/${encodeURIComponent(uploadId)}`, { cache: 'no-store' });
    return response.ok ? parseTransferStats(await response.json()) : null;
  } catch {
    return null;
  }
}

loadPageConfig().then(start, () => {
  const notice = requireElement('notice', HTMLElement);
  notice.hidden = false;
  notice.textContent = 'The server does not answer. Check that it is running, then reload the page.';
});
