/** Shows a stored file at its stable URL. The browser follows the server's redirect to the storage. */
import type { StoredFile } from 'waybill/client';
import { el } from './dom.ts';
import { extensionLabel, printableName } from './file-names.ts';

/** @param url absolute: the server may be on another origin than the page */
export function createFileViewer(file: StoredFile, url: string): HTMLElement {
  const container = el('div', { class: 'viewer' });
  const onError = () =>
    container.replaceChildren(createCard(file, 'This browser cannot show it here. Try Open or Download.'));
  container.append(createMedia(file, url, onError) ?? createCard(file, 'Stored, and ready to download.'));
  return container;
}

export function downloadUrl(url: string): string {
  const download = new URL(url);
  download.searchParams.set('download', '1');
  return download.href;
}

function createMedia(file: StoredFile, url: string, onError: () => void): HTMLElement | null {
  const name = printableName(file.fileName);
  const [family] = file.contentType.split('/');
  if (family === 'image') {
    const image = el('img', { alt: name, decoding: 'async' });
    image.addEventListener('error', onError, { once: true });
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
    media.addEventListener('error', onError, { once: true });
    media.src = url;
    return media;
  }
  // Browsers on phones have no PDF viewer inside pages. There, Open shows the file in a tab of its own.
  if (file.contentType === 'application/pdf' && navigator.pdfViewerEnabled)
    return el('iframe', { title: name, src: `${url}#navpanes=0`, class: 'document', loading: 'lazy' });
  return null;
}

function createCard(file: StoredFile, text: string): HTMLElement {
  return el(
    'div',
    { class: 'card' },
    el('span', { class: 'extension', 'aria-hidden': 'true' }, extensionLabel(file.fileName)),
    el('p', {}, text),
  );
}
