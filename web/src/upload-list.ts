/**
 * The list of uploads: its items, the actions on each item, and how an item follows its upload. add-files.ts finds the
 * items of the files that the user adds.
 */
import type { Client, FileLike, Resumable, Upload, UploadOptions } from 'waybill/client';
import { type FoundFile, filesOf } from 'waybill/client/folders';
import type { Announce } from './announcer.ts';
import { warningText } from './error-text.ts';
import { shortName } from './file-names.ts';
import { applySnapshot, type ItemRecord, stages, type TransferStats } from './item-record.ts';
import type { Progress } from './progress-text.ts';
import { UploadRow } from './upload-row.ts';
import { createVirtualList, type VirtualList } from './virtual-list.ts';

export interface UploadItem {
  record: ItemRecord;
  /** Null while this page does not send the file. */
  upload: Upload | null;
  progress: Progress | null;
  /** The file as it was added to this page. */
  file: FoundFile | null;
  handle: FileSystemFileHandle | null;
  /** The upload that an earlier page or another tab started and did not finish. */
  resumable: Resumable | null;
  /** Identifies the file in the resume store. */
  fingerprint: string | null;
  /** The client's warning about the content of the file, as a sentence. */
  warning: string | null;
  /** The file on disk differs from the file that the upload began with. */
  hasChanged: boolean;
  isExpanded: boolean;
  /**
   * The number of its batch: files that were added while an upload of the batch was active. 0 for items that this page
   * has not sent.
   */
  batch: number;
}

export interface UploadListOptions {
  client: Client;
  list: HTMLElement;
  acceptsRelativePath: boolean;
  announce: Announce;
  openFileDialog(): void;
  resolveUrl(url: string): string;
  fetchStats(uploadId: string): Promise<TransferStats | null>;
  /** Called when the list has to be saved and counted again. */
  onChange(): void;
  /** Gets the focus when the last item is removed. */
  fallbackFocus: HTMLElement;
}

export class UploadList {
  readonly #options: UploadListOptions;
  readonly #rows: VirtualList<UploadItem>;
  /** Newest first. */
  #items: UploadItem[] = [];
  #lastNumber = 0;
  #batch = 0;
  /** The item whose file the user was asked to choose, while the file dialog is open. */
  #awaited: { item: UploadItem; startOver: boolean } | null = null;

  constructor(options: UploadListOptions) {
    this.#options = options;
    this.#rows = createVirtualList(options.list, (item) => this.#buildRow(item));
  }

  get items(): readonly UploadItem[] {
    return this.#items;
  }

  /** The number of the newest batch. */
  get batch(): number {
    return this.#batch;
  }

  nextNumber(): number {
    return this.#lastNumber + 1;
  }

  /** Adds the record at the top. */
  add(record: ItemRecord): UploadItem {
    const item: UploadItem = {
      record,
      upload: null,
      progress: null,
      file: null,
      handle: null,
      resumable: null,
      fingerprint: null,
      warning: null,
      hasChanged: false,
      isExpanded: false,
      batch: 0,
    };
    this.#lastNumber = Math.max(this.#lastNumber, record.number);
    this.#items.unshift(item);
    this.#rows.add(item);
    return item;
  }

  redraw(item: UploadItem): void {
    this.#rows.redraw(item);
  }

  startBatchIfIdle(): void {
    if (!this.#items.some(isActive)) this.#batch++;
  }

  setFile(item: UploadItem, file: FoundFile): void {
    item.file = file;
    item.handle = (file.handle as FileSystemFileHandle | undefined) ?? null;
  }

  /** Resumes what an earlier page left, or starts a new upload. */
  sendOrResume(item: UploadItem, file: FoundFile): void {
    if (item.resumable) this.follow(item, item.resumable.resume(file));
    else this.send(item, file, false);
  }

  send(item: UploadItem, file: FileLike, startOver: boolean): void {
    const { route, relativePath, fileName } = item.record;
    const { client, acceptsRelativePath } = this.#options;
    const metadata = acceptsRelativePath && relativePath !== null ? { metadata: { relativePath } } : {};
    item.resumable = null;
    this.follow(item, client.upload(route, file, { fileName, startOver, ...metadata } as UploadOptions));
  }

  follow(item: UploadItem, upload: Upload): void {
    item.upload = upload;
    item.hasChanged = false;
    this.#batch ||= 1;
    item.batch = this.#batch;
    if (item.file) item.record = { ...item.record, size: item.file.size };
    const update = () => {
      // After the file was chosen again, the item follows another upload.
      if (item.upload === upload) this.#update(item, upload);
    };
    upload.subscribe(update);
    update();
    this.#options.onChange();
  }

  #update(item: UploadItem, upload: Upload): void {
    const snapshot = upload.getSnapshot();
    const previousStage = item.record.stage;
    item.progress = snapshot;
    item.warning = snapshot.warning ? warningText(snapshot.warning) : null;
    item.record = applySnapshot(item.record, snapshot);
    item.hasChanged = snapshot.error?.code === 'source_changed';
    if (snapshot.error?.code === 'upload_conflict' && item.resumable) {
      item.upload = null;
      item.record = { ...item.record, stage: 'other-tab', error: null };
    }
    this.#rows.redraw(item);
    if (item.record.stage === previousStage) return;
    this.#options.onChange();
    if (!stages[item.record.stage].isActive) this.#reportEnd(item);
  }

  #reportEnd(item: UploadItem): void {
    const { fileName, error, file, inLargeBatch } = item.record;
    const { announce } = this.#options;
    // A failure among hundreds of files would be hard to find.
    if (inLargeBatch && error && error.outcome !== 'cancelled') this.#rows.moveToTop(item);
    if (file) {
      item.resumable = null;
      item.file = null;
      item.warning = null;
    }
    if (error || !inLargeBatch)
      announce(`${shortName(fileName, 40)}: ${error ? `${error.title}. ${error.advice}` : 'received.'}`);
    else if (!this.#items.some((other) => other.batch === item.batch && isActive(other)))
      announce('All files have been received.');
    if (file && !inLargeBatch) void this.#loadStats(item);
  }

  async #loadStats(item: UploadItem): Promise<void> {
    const uploadId = item.record.file?.uploadId;
    if (!uploadId || item.record.stats) return;
    const stats = await this.#options.fetchStats(uploadId);
    if (!stats || item.record.file?.uploadId !== uploadId) return;
    item.record = { ...item.record, stats };
    this.#rows.redraw(item);
    this.#options.onChange();
  }

  /** Resumes after a pause, in this page or an earlier one. */
  resume(item: UploadItem): void {
    const { upload, resumable, file } = item;
    if (upload) upload.resume();
    else if (resumable && (!resumable.needsFile || file)) this.follow(item, resumable.resume(file ?? undefined));
    else this.#retry(item);
  }

  #retry(item: UploadItem): void {
    if (item.upload && hasFile(item)) item.upload.retry();
    else this.#askForFile(item, false);
  }

  /** Deletes the parts that have arrived, and sends the file as it is now. */
  async #startOver(item: UploadItem): Promise<void> {
    const { resumable, handle, file } = item;
    const current = handle ? await reopenFile(handle, item.record) : await ifReadable(file);
    if (!current && !resumable) return this.#askForFile(item, true);
    await resumable?.forget().catch(() => {});
    item.resumable = null;
    if (!current) return this.#askForFile(item, true);
    item.file = current;
    this.send(item, current, true);
  }

  #askForFile(item: UploadItem, startOver: boolean): void {
    this.#awaited = { item, startOver };
    this.#options.openFileDialog();
  }

  /** Returns the item whose file the user was asked for, and no longer waits for that file. */
  takeAwaitedFile(): { item: UploadItem; startOver: boolean } | null {
    const awaited = this.#awaited;
    this.#awaited = null;
    return awaited;
  }

  remove(item: UploadItem): void {
    this.#items = this.#items.filter((other) => other !== item);
    this.#rows.remove(item);
    // The user no longer sees the upload, and so cannot resume it.
    item.resumable?.forget().catch(() => {});
    this.#options.onChange();
  }

  /** Moves the focus from the removed button to the next item, so that the keyboard stays at its place. */
  #removeAndFocusNext(item: UploadItem): void {
    const element = this.#rows.elementOf(item);
    const neighbour = element?.nextElementSibling ?? element?.previousElementSibling;
    this.remove(item);
    (
      neighbour?.querySelector<HTMLElement>('button:not([hidden]), a:not([hidden])') ?? this.#options.fallbackFocus
    ).focus();
  }

  #buildRow(item: UploadItem) {
    const row = new UploadRow(item.record, {
      resolveUrl: this.#options.resolveUrl,
      pause: () => item.upload?.pause(),
      resume: () => this.resume(item),
      startOver: () => void this.#startOver(item),
      cancel: () => item.upload?.abort(),
      retry: () => this.#retry(item),
      remove: () => this.#removeAndFocusNext(item),
      toggleDetails: () => {
        item.isExpanded = !item.isExpanded;
        this.#rows.redraw(item);
        if (item.isExpanded) void this.#loadStats(item);
      },
    });
    return {
      element: row.element,
      draw: () => row.update({ ...item, localFile: item.file?.blob ?? null, hasFile: hasFile(item) }),
    };
  }
}

/** Whether the file can be sent without asking for it. A file that was moved or changed has to be chosen again. */
function hasFile({ upload, resumable, file }: UploadItem): boolean {
  const code = upload?.getSnapshot().error?.code;
  if (upload) return code !== 'source_changed' && code !== 'source_unreadable';
  return resumable !== null && (!resumable.needsFile || file !== null);
}

export function isActive({ record }: UploadItem): boolean {
  return stages[record.stage].isActive;
}

/** Reads the file through its handle, as it is on disk now. */
async function reopenFile(handle: FileSystemFileHandle, { relativePath }: ItemRecord): Promise<FoundFile | null> {
  const [found] = await filesOf([handle], { filter: () => true });
  return found ? { ...found, relativePath: relativePath ?? found.fileName } : null;
}

async function ifReadable(file: FoundFile | null): Promise<FoundFile | null> {
  if (!file) return null;
  return file.read(0, Math.min(1, file.size)).then(
    () => file,
    () => null,
  );
}
