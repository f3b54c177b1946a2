/**
 * The small picture at the start of a row. It shows the file on disk while it is sent, and then the stored file. Both
 * are `img` elements, because browsers decode those outside the main thread and at the size at which they are shown.
 */
import type { StoredFile } from 'waybill/client';
import { el } from './dom.ts';
import { extensionLabel } from './file-names.ts';

/** Decoding a larger file could take more memory than a page should use for a thumbnail. */
const maxLocalBytes = 30_000_000;

export class Thumbnail {
  readonly element: HTMLElement;
  #localFile: Blob | null = null;
  #local: HTMLImageElement | null = null;
  #storedUrl: string | null = null;

  constructor(fileName: string) {
    const label = el('span', {}, extensionLabel(fileName));
    // Screen readers skip it: the heading of the row names the file, and the details show the file with an `alt` text.
    this.element = el('div', { class: 'thumbnail', 'aria-hidden': 'true' }, label);
  }

  /** Shows the file on disk where it is a picture that this browser can decode. */
  showLocal(file: Blob): void {
    if (file === this.#localFile || !isPicture(file) || file.size > maxLocalBytes) return;
    this.#localFile = file;
    const url = URL.createObjectURL(file);
    this.#local?.remove();
    this.#local = this.#append('local', url);
    for (const event of ['load', 'error'])
      this.#local.addEventListener(event, () => URL.revokeObjectURL(url), { once: true });
  }

  /** Shows the stored file where it is an image. Its URL redirects to the storage. */
  showStored({ contentType }: Pick<StoredFile, 'contentType'>, url: string): void {
    if (this.#storedUrl === url || !contentType.startsWith('image/')) return;
    this.#storedUrl = url;
    this.element.querySelector('.stored')?.remove();
    // The local picture stays below the stored one until that has loaded.
    this.#append('stored', url).addEventListener('load', () => this.#local?.remove(), { once: true });
  }

  #append(name: string, url: string): HTMLImageElement {
    const image = el('img', { alt: '', class: name, decoding: 'async', loading: 'lazy' });
    image.addEventListener('error', () => image.remove(), { once: true });
    image.src = url;
    this.element.append(image);
    return image;
  }
}

/** SVG is left out: it is a document that can contain scripts, and most routes refuse it. */
function isPicture({ type }: Blob): boolean {
  return type.startsWith('image/') && type !== 'image/svg+xml';
}
