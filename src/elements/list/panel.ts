/**
 * The list of files with its summary. It is loaded with the first file, so that a page which only shows the dropzone
 * does not wait for it.
 */
import type { FoundFile } from '../../client/folders.ts';
import type { Client } from '../../client/index.ts';
import type { Translator } from '../../messages/translate.ts';
import type { FieldState } from '../form-field.ts';
import type { DropzoneEvents, DropzoneFile } from '../types.ts';
import { createAnnouncer } from './announcer.ts';
import { dragRow } from './drag-row.ts';
import { ItemList } from './item-list.ts';
import { errorOf, type Item, isActive, isRunning, shareOf, stateOf, storedFileOf } from './items.ts';
import { ListView } from './list-view.ts';
import type { Row, RowAction } from './row.ts';
import { statusText } from './status-text.ts';

type DetailOf<Type extends keyof DropzoneEvents> =
  DropzoneEvents[Type] extends CustomEvent<infer Detail> ? Detail : never;

/** The element around the list. */
export interface PanelHost {
  readonly shadow: ShadowRoot;
  readonly root: HTMLElement;
  readonly liveRegion: HTMLElement;
  readonly chooseButton: HTMLElement;
  client(): Client;
  translator(): Translator;
  route(): string;
  metadataOf(found: FoundFile): unknown;
  /** The most files; null without a limit. */
  maxFiles(): number | null;
  isManual(): boolean;
  canReorder(): boolean;
  skipsDuplicates(): boolean;
  /** The name under which the list is kept. Empty when it is not. */
  persist(): string;
  /** Lets the user choose the file of this item again. */
  chooseAgain(item: Item): void;
  /** @returns false when a listener has called `preventDefault()` */
  emit<Type extends keyof DropzoneEvents>(type: Type, detail: DetailOf<Type>): boolean;
  /** Something in the list has changed. */
  changed(): void;
}

export class Panel {
  readonly #host: PanelHost;
  readonly #list: ItemList;
  readonly #view: ListView;
  readonly #announce: ReturnType<typeof createAnnouncer>;
  #isUpdatePlanned = false;
  #announcedQuarter = 0;

  constructor(host: PanelHost) {
    this.#host = host;
    this.#announce = createAnnouncer(host.liveRegion);
    this.#list = new ItemList({
      ...host,
      accepts: (file) => host.emit('upload-add', { file }),
      updated: (item) => {
        this.#view.rows.get(item.id)?.update();
        this.#showSummarySoon();
      },
      stateChanged: (item) => this.#reportState(item),
    });
    this.#view = new ListView(host.shadow, host.root, {
      translator: host.translator,
      act: (item, action) => this.#act(item, action),
      canReorder: () => host.canReorder() && this.#list.items.length > 1,
      start: () => this.start(),
      pauseAll: () => this.pause(),
      resumeAll: () => this.resume(),
      removeAll: () => this.#removeAll(),
      added: (row) => this.#prepareRow(row),
    });
  }

  get files(): DropzoneFile[] {
    return this.#list.items.map(describe);
  }

  get fieldState(): FieldState {
    const { items } = this.#list;
    const isUnfinished = items.some((item) => isRunning(item) || stateOf(item) === 'ready');
    const hasFailed = items.some((item) => stateOf(item) !== 'done');
    return {
      urls: items.flatMap((item) => storedFileOf(item)?.url ?? []),
      problem: isUnfinished ? 'stillUploading' : hasFailed ? 'notUploaded' : null,
    };
  }

  /** @param awaited the item whose file the user was asked for */
  add(files: readonly FoundFile[], awaited: Item | null): void {
    const [only] = files;
    if (awaited && only && files.length === 1 && only.fileName === awaited.fileName) {
      this.#list.continueWith(awaited, only);
      this.update();
      return;
    }
    const { text } = this.#host.translator();
    const { added, duplicates, tooMany } = this.#list.add(files);
    const notices = [
      duplicates > 0 ? text('duplicates', { count: duplicates }) : '',
      tooMany ? text('errorCount', { count: this.#host.maxFiles() ?? 0 }) : '',
    ].filter(Boolean);
    this.#view.setNotice(notices.join(' '));
    for (const notice of notices) this.#announce(notice);
    if (added.length > 0) this.#announce(text('added', { count: added.length }));
    this.#announcedQuarter = 0;
    if (this.#host.isManual()) this.update();
    else this.start();
  }

  start(): void {
    for (const item of this.#list.items) {
      if (stateOf(item) !== 'ready') continue;
      this.#list.start(item);
      this.#host.emit('upload-start', describe(item));
    }
    this.update();
  }

  pause(): void {
    for (const item of this.#list.items) if (isActive(item)) item.upload?.pause();
  }

  resume(): void {
    for (const { upload } of this.#list.items) upload?.resume();
  }

  remove(id: string): void {
    const item = this.#list.items.find((one) => one.id === id);
    if (item) this.#remove(item);
  }

  clear(): void {
    for (const item of [...this.#list.items]) this.#list.remove(item);
    this.#view.setNotice('');
    this.update();
  }

  /** Shows the list that an earlier page has kept. */
  async restore(): Promise<void> {
    const { restoreList } = await import('./kept-list.ts');
    const earlier = await restoreList(this.#host.persist(), this.#host.client(), this.#host.route());
    this.#list.items = [...earlier, ...this.#list.items];
    this.update();
  }

  /** Shows everything as it is now: the language or an attribute may have changed. */
  update(): void {
    const { items } = this.#list;
    this.#view.showItems(items);
    this.#showSummary();
    const name = this.#host.persist();
    if (name) void import('./kept-list.ts').then(({ saveList }) => saveList(name, this.#list.items));
    this.#host.changed();
  }

  #act(item: Item, action: RowAction): void {
    const { upload } = item;
    if (action === 'pause') upload?.pause();
    else if (action === 'cancel') upload?.abort();
    else if (action === 'retry') upload?.retry();
    else if (action === 'resume' && upload) upload.resume();
    else if (action === 'resume') this.#list.continueWith(item, null);
    else if (action === 'remove') this.#remove(item);
    else if (action === 'chooseAgain') this.#host.chooseAgain(item);
    else void this.#preview(item);
  }

  #remove(item: Item): void {
    const index = this.#list.items.indexOf(item);
    const hadFocus = this.#view.rows.get(item.id)?.element.contains(this.#host.shadow.activeElement);
    this.#list.remove(item);
    this.#host.emit('upload-remove', describe(item));
    this.#announce(this.#host.translator().text('removed', { fileName: item.fileName }));
    this.update();
    if (!hadFocus) return;
    // The focus goes to the same button of the next file, or of the last one.
    const next = this.#list.items[index] ?? this.#list.items.at(-1);
    (next ? this.#view.rows.get(next.id)?.removeButton : this.#host.chooseButton)?.focus();
  }

  #removeAll(): void {
    const removed = this.files;
    this.clear();
    for (const file of removed) this.#host.emit('upload-remove', file);
    this.#host.chooseButton.focus();
  }

  #reportState(item: Item): void {
    const { text } = this.#host.translator();
    const { fileName, upload } = item;
    const state = stateOf(item);
    const error = errorOf(item);
    // The form has the new value before the app hears of it.
    this.update();
    if (state === 'done') this.#host.emit('upload-done', { ...describe(item), data: upload?.getSnapshot().data });
    if (state === 'failed' && error) this.#host.emit('upload-failed', { ...describe(item), error });
    if (state === 'failed') this.#announce(`${fileName}: ${statusText(this.#host.translator(), item)}`);
    if (state === 'done' || state === 'aborted' || state === 'paused') this.#announce(`${fileName}: ${text(state)}`);
  }

  /** Changes of many uploads at once are shown together. */
  #showSummarySoon(): void {
    if (this.#isUpdatePlanned) return;
    this.#isUpdatePlanned = true;
    queueMicrotask(() => {
      this.#isUpdatePlanned = false;
      this.#showSummary();
    });
  }

  #showSummary(): void {
    const { items } = this.#list;
    this.#view.showSummary(items);
    this.#announceProgress(items);
  }

  /** Announces a quarter, a half and three quarters of all files. More would only disturb. */
  #announceProgress(items: readonly Item[]): void {
    if (!items.some(isRunning)) return;
    const total = items.reduce((sum, { size }) => sum + size, 0);
    const sent = items.reduce((sum, item) => sum + item.size * shareOf(item), 0);
    const quarter = total ? Math.floor((sent / total) * 4) : 0;
    if (quarter <= this.#announcedQuarter || quarter > 3) return;
    this.#announcedQuarter = quarter;
    const { text, percent } = this.#host.translator();
    this.#announce(text('percent', { percent: percent(quarter / 4) }));
  }

  #prepareRow(row: Row): void {
    if (row.item.found) void import('./thumbnails.ts').then(({ drawThumbnail }) => drawThumbnail(row)).catch(() => {});
    row.grip.addEventListener('pointerdown', (event) => {
      const rows = () => this.#list.items.flatMap(({ id }) => this.#view.rows.get(id)?.element ?? []);
      dragRow(row.element, event, rows, (to) => this.#move(row, to));
    });
    row.grip.addEventListener('keydown', (event) => {
      const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (!step) return;
      event.preventDefault();
      this.#move(row, this.#list.items.indexOf(row.item) + step);
    });
  }

  #move({ item, grip }: Row, to: number): void {
    const { items } = this.#list;
    if (to < 0 || to >= items.length || items[to] === item) return;
    this.#list.move(item, to);
    this.update();
    // Moving a row in the document takes the focus from it.
    grip.focus();
    const { fileName } = item;
    this.#announce(this.#host.translator().text('moved', { fileName, position: to + 1, count: items.length }));
  }

  async #preview(item: Item): Promise<void> {
    const { openPreview } = await import('./preview.ts');
    if (item.found) openPreview(this.#host.root, item.found.blob, this.#host.translator());
  }
}

function describe(item: Item): DropzoneFile {
  const { id, fileName, size, upload } = item;
  return { id, fileName, size, state: stateOf(item), upload: upload?.getSnapshot() ?? null, file: storedFileOf(item) };
}
