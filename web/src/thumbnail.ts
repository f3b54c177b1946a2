/** The small picture at the start of a row. It shows the file on disk while it is sent, and then the stored file. */
import type { StoredFile } from 'waybill/client';
import { el } from './dom.ts';
import { extensionLabel } from './file-names.ts';

/** Draws `file` on `canvas` where it is a picture that this browser can decode; resolves either way. */
export type DrawThumbnail = (file: Blob, canvas: HTMLCanvasElement) => Promise<void>;

/** Pixels: two for each CSS pixel. */
const canvasSize = 120;
/** Decoding a larger file could take more memory than a page should use for a thumbnail. */
const maxBytes = 30_000_000;

/** Draws one picture at a time: a decoded photo takes 50 MB or more. */
export function createThumbnailQueue(): DrawThumbnail {
  let last: Promise<void> = Promise.resolve();
  return (file, canvas) => {
    if (!file.type.startsWith('image/') || file.size > maxBytes) return Promise.resolve();
    last = last.then(() => drawCropped(file, canvas)).catch(() => {});
    return last;
  };
}

async function drawCropped(file: Blob, canvas: HTMLCanvasElement): Promise<void> {
  // The user may have removed the row by now.
  if (!canvas.isConnected) return;
  const bitmap = await createImageBitmap(file, { resizeHeight: canvasSize * 1.5, resizeQuality: 'medium' });
  const side = Math.min(bitmap.width, bitmap.height);
  const [left, top] = [(bitmap.width - side) / 2, (bitmap.height - side) / 2];
  canvas.width = canvas.height = canvasSize;
  canvas.getContext('2d')?.drawImage(bitmap, left, top, side, side, 0, 0, canvasSize, canvasSize);
  bitmap.close();
}

export class Thumbnail {
  readonly element: HTMLElement;
  readonly canvas = el('canvas', { width: '0', height: '0' });
  #url: string | null = null;

  constructor(fileName: string) {
    const label = el('span', {}, extensionLabel(fileName));
    // Screen readers skip it: the heading of the row names the file, and the details show the file with an `alt` text.
    this.element = el('div', { class: 'thumbnail', 'aria-hidden': 'true' }, label, this.canvas);
  }

  /** Shows the stored file where it is an image. Its URL redirects to the storage. */
  showStored({ contentType }: Pick<StoredFile, 'contentType'>, url: string): void {
    if (this.#url === url || !contentType.startsWith('image/')) return;
    this.#url = url;
    const image = el('img', { alt: '', decoding: 'async', loading: 'lazy' });
    image.addEventListener('error', () => image.remove(), { once: true });
    image.src = url;
    this.element.querySelector('img')?.remove();
    this.element.append(image);
  }
}
