/** The panel below a row, built when the user opens it: the file itself, what was stored, and where its bytes went. */
import type { StoredFile } from 'waybill/client';
import { barcodeOf } from './barcode.ts';
import { el } from './dom.ts';
import { createFileViewer } from './file-viewer.ts';
import { formatExactBytes, formatTime } from './format.ts';
import type { ItemRecord, TransferStats } from './item-record.ts';
import { createTransferDrawing } from './transfer-drawing.ts';

export class UploadDetails {
  readonly element: HTMLElement;
  readonly #side = el('div', { class: 'details-side' });
  #url: string | null = null;
  #stats: TransferStats | null = null;

  constructor(id: string, labelledBy: string) {
    this.element = el('div', { id, class: 'details', role: 'group', 'aria-labelledby': labelledBy, hidden: true });
  }

  /** Builds only what has changed, so that a playing video is not interrupted. */
  show(record: ItemRecord, file: StoredFile, url: string): void {
    const wasHidden = this.element.hidden;
    this.element.hidden = false;
    if (this.#url !== url) {
      this.#url = url;
      this.#stats = null;
      this.#side.replaceChildren(createFacts(record, file));
      this.element.replaceChildren(createFileViewer(file, url), this.#side);
    }
    if (record.stats && !this.#stats) this.#side.append(createTransferDrawing(record.stats));
    this.#stats = record.stats;
    if (wasHidden) this.element.scrollIntoView({ block: 'nearest' });
  }

  hide(): void {
    this.element.hidden = true;
    // Stops a video or sound that plays.
    this.element.replaceChildren();
    this.#url = null;
  }
}

function createFacts(record: ItemRecord, file: StoredFile): HTMLElement {
  const facts: [term: string, text: string][] = [
    ['Stored', formatTime(file.storedAt)],
    ['Size', formatExactBytes(record.size)],
    ['Type', file.contentType],
    ['Service', record.route],
    ['Key', file.key],
  ];
  if (file.checksum) facts.push([file.checksum.algorithm, file.checksum.value]);
  const list = el('dl', { class: 'stored-facts' });
  for (const [term, text] of facts) list.append(el('dt', {}, term), el('dd', { class: 'typed' }, String(text)));
  const number = el('span', {}, `No. ${String(record.number).padStart(3, '0')}`);
  return el(
    'div',
    { class: 'receipt' },
    el('div', { class: 'stub', 'aria-hidden': 'true' }, number, barcodeOf(record.id)),
    list,
  );
}
