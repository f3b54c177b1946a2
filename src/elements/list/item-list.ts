/** The list of files: adds, starts and ends uploads, and tells its host what has happened. It knows no DOM. */
import type { FoundFile } from '../../client/folders.ts';
import type { Client, Upload } from '../../client/index.ts';
import { type Item, identityOf, isRunning, itemOf, stateOf } from './items.ts';

export interface ListHost {
  client(): Client;
  route(): string;
  metadataOf(found: FoundFile): unknown;
  /** False when the app does not want the file. */
  accepts(found: FoundFile): boolean;
  /** The most files; null without a limit. */
  maxFiles(): number | null;
  skipsDuplicates(): boolean;
  /** The snapshot of the upload has changed. */
  updated(item: Item): void;
  /** The upload has another state. */
  stateChanged(item: Item): void;
}

/** What was not added. */
export interface Refusals {
  duplicates: number;
  /** Whether there were more files than `maxFiles` allows. */
  tooMany: boolean;
  added: Item[];
}

export class ItemList {
  items: Item[] = [];
  readonly #host: ListHost;

  constructor(host: ListHost) {
    this.#host = host;
  }

  /** Adds the files. One that an earlier page did not finish takes the place of its item. */
  add(files: readonly FoundFile[]): Refusals {
    const maxFiles = this.#host.maxFiles();
    const refusals: Refusals = { duplicates: 0, tooMany: false, added: [] };
    const known = new Set(this.items.map(({ identity }) => identity));
    for (const found of files) {
      const earlier = this.items.find((item) => stateOf(item) === 'interrupted' && isSameFile(item, found));
      if (earlier) {
        this.continueWith(earlier, found);
      } else if (this.#host.skipsDuplicates() && known.has(identityOf(found))) {
        refusals.duplicates += 1;
      } else if (maxFiles !== null && maxFiles > 1 && this.items.length >= maxFiles) {
        refusals.tooMany = true;
      } else if (this.#host.accepts(found)) {
        // Where one file is allowed, the new one replaces the old one.
        if (maxFiles === 1) for (const item of [...this.items]) this.remove(item);
        const item = itemOf(found);
        known.add(item.identity);
        this.items.push(item);
        refusals.added.push(item);
      }
    }
    return refusals;
  }

  /** Starts the file, unless it has been started. */
  start(item: Item): void {
    const { found } = item;
    if (item.upload || !found) return;
    const metadata = this.#host.metadataOf(found);
    const options = metadata === undefined ? {} : { metadata };
    this.#follow(item, this.#host.client().upload(this.#host.route(), found, options));
  }

  /** Sends the rest of an upload that an earlier page has begun. Without a file, the browser may ask its user. */
  continueWith(item: Item, found: FoundFile | null): void {
    item.found = found ?? item.found;
    item.upload = null;
    if (item.resumable) this.#follow(item, found ? item.resumable.resume(found) : item.resumable.resume());
    else this.start(item);
  }

  remove(item: Item): void {
    if (isRunning(item)) item.upload?.abort();
    else if (stateOf(item) === 'interrupted') void item.resumable?.forget().catch(() => {});
    this.items = this.items.filter((other) => other !== item);
  }

  move(item: Item, to: number): void {
    const others = this.items.filter((other) => other !== item);
    others.splice(Math.max(0, to), 0, item);
    this.items = others;
  }

  #follow(item: Item, upload: Upload): void {
    item.upload = upload;
    let state = '';
    upload.subscribe(() => {
      // A removed file, or one that was chosen again, has no row for this upload.
      if (item.upload !== upload || !this.items.includes(item)) return;
      this.#host.updated(item);
      const { status } = upload.getSnapshot();
      if (status === state) return;
      state = status;
      this.#host.stateChanged(item);
    });
    this.#host.updated(item);
  }
}

/** As far as the name and the size tell. The client compares the bytes with what has arrived. */
function isSameFile({ fileName, size }: Item, found: FoundFile): boolean {
  return found.fileName === fileName && found.size === size;
}
