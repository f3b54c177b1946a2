/** The stored file, shown through its stable URL: the browser follows the server's redirect to the store. */
import type { StoredFile } from 'waybill/client';
import { el } from './dom.ts';
import { printableName } from './names.ts';

/** @param url absolute: the server may live on another origin than the page */
export function displayOf(file: StoredFile, url: string): HTMLElement {
  const frame = el('div', { class: 'exhibit' });
  const fallback = (because: string) => frame.replaceChildren(cardOf(file, because));
  const shown = viewerOf(file, url, fallback);
  frame.append(shown ?? cardOf(file, 'Stored, and ready to download.'));
  return frame;
}

/** For one of many: a picture, small, and only when it is looked at. Nothing for other files. */
export function thumbnailOf(file: StoredFile, url: string): HTMLElement[] {
  if (!file.contentType.startsWith('image/')) return [];
  const image = el('img', { alt: printableName(file.fileName), decoding: 'async', loading: 'lazy' });
  image.addEventListener('error', () => image.remove(), { once: true });
  image.src = url;
  return [el('div', { class: 'exhibit' }, image)];
}

export function downloadUrl(url: string): string {
  const download = new URL(url);
  download.searchParams.set('download', '1');
  return download.href;
}

function viewerOf(file: StoredFile, url: string, fallback: (because: string) => void): HTMLElement | null {
  const name = printableName(file.fileName);
  const [family] = file.contentType.split('/');
  const unshowable = 'Stored. This browser cannot show it here; try Open or Download.';
  if (family === 'image') {
    const image = el('img', { alt: name, decoding: 'async' });
    image.addEventListener('error', () => fallback(unshowable), { once: true });
    image.src = url;
    return image;
  }
  if (family === 'video' || family === 'audio') {
    const media = el(family, {
      controls: true,
      preload: 'metadata',
      playsinline: family === 'video',
      'aria-label': name,
    });
    media.addEventListener('error', () => fallback(unshowable), { once: true });
    media.src = url;
    return media;
  }
  // Phones have no viewer inside pages; there the card opens it in a tab of its own.
  if (file.contentType === 'application/pdf' && navigator.pdfViewerEnabled)
    return el('iframe', { title: name, src: `${url}#navpanes=0`, class: 'document', loading: 'lazy' });
  return null;
}

function cardOf(file: StoredFile, because: string): HTMLElement {
  const extension = /\.([a-z0-9]{1,5})$/i.exec(file.fileName)?.[1] ?? 'file';
  return el(
    'div',
    { class: 'card' },
    el('span', { class: 'tag', 'aria-hidden': 'true' }, extension.toUpperCase()),
    el('p', {}, because),
  );
}
