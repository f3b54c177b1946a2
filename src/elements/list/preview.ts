/**
 * Shows a chosen file as large as the window: a picture, a video, a sound, or a PDF in the viewer of the browser. The
 * bytes are those on disk, so nothing is loaded from the network.
 */
import type { Translator } from '../../messages/translate.ts';
import { el, icon } from '../dom.ts';
import { icons, setLabel } from './icons.ts';

const dialogStyles = `
dialog { inline-size: min(92vw, 900px); max-block-size: 90dvh; padding: 0; border: 0; border-radius: var(--radius);
  background: var(--surface); color: var(--text); box-shadow: 0 16px 60px rgb(0 0 0 / .35); overflow: clip; }
dialog::backdrop { background: rgb(10 12 16 / .6); }
header { display: flex; align-items: center; gap: 8px; padding-block: 8px; padding-inline: 16px 8px; }
header > span { flex: 1; min-inline-size: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap;
  font-weight: 600; }
.stage { display: grid; place-items: center; min-block-size: 96px; background: var(--soft); }
.stage :is(img, video) { display: block; max-inline-size: 100%; max-block-size: calc(90dvh - 60px); }
.stage audio { inline-size: calc(100% - 32px); }
.stage iframe { inline-size: 100%; block-size: calc(90dvh - 60px); border: 0; background: #fff; }
`;

let sheet: CSSStyleSheet | undefined;

/** What a type is shown with. A picture in SVG is an `img`, which runs no script. */
function viewerFor(blob: Blob, url: string, title: string): HTMLElement | null {
  const { type } = blob;
  if (type.startsWith('image/')) return el('img', { src: url, alt: title });
  if (type.startsWith('video/')) return el('video', { src: url, controls: true, playsinline: true });
  if (type.startsWith('audio/')) return el('audio', { src: url, controls: true });
  const hasViewer = (navigator as { pdfViewerEnabled?: boolean }).pdfViewerEnabled;
  return type === 'application/pdf' && hasViewer ? el('iframe', { src: `${url}#view=FitH`, title }) : null;
}

export function openPreview(parent: HTMLElement, file: File, { text }: Translator): void {
  // The type decides what the browser does with the bytes, so it is set again: a PDF is never shown as a page.
  const blob = file.slice(0, file.size, file.type);
  const url = URL.createObjectURL(blob);
  const close = el('button', { type: 'button', class: 'icon-button' }, icon(icons.close));
  setLabel(close, text('close'));
  const stage = el('div', { class: 'stage' });
  const failed = () => stage.replaceChildren(el('p', {}, text('noPreview')));
  const viewer = viewerFor(blob, url, file.name);
  if (viewer) stage.append(viewer);
  else failed();
  viewer?.addEventListener('error', failed);
  const dialog = el(
    'dialog',
    { part: 'preview', 'aria-label': file.name },
    el('header', {}, el('span', {}, el('bdi', {}, file.name)), close),
    stage,
  );
  close.addEventListener('click', () => dialog.close());
  dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());
  dialog.addEventListener('close', () => {
    dialog.remove();
    URL.revokeObjectURL(url);
  });
  addStyles(parent.getRootNode() as ShadowRoot);
  parent.append(dialog);
  dialog.showModal();
}

function addStyles(shadow: ShadowRoot): void {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(dialogStyles);
  }
  if (!shadow.adoptedStyleSheets.includes(sheet)) shadow.adoptedStyleSheets = [...shadow.adoptedStyleSheets, sheet];
}
