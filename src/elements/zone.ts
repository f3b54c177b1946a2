/** The area for files: what is accepted, and the buttons that choose files. */
import type { Translator } from '../messages/translate.ts';
import { el, icon, setText } from './dom.ts';
import type { Choice } from './file-chooser.ts';
import { styles } from './styles.ts';

export interface ZoneTexts {
  translator: Translator;
  /** The limits, or why they are not known. */
  limits: string;
  hasProblem: boolean;
  isSingle: boolean;
  showsFolders: boolean;
  showsCamera: boolean;
  isDisabled: boolean;
  /** Files hover over it. */
  isOver: boolean;
}

export interface Zone {
  /** Contains the area. The list is added to it, and so is everything else that the styles are for. */
  readonly root: HTMLElement;
  readonly liveRegion: HTMLElement;
  readonly chooseButton: HTMLButtonElement;
  update(texts: ZoneTexts): void;
}

const uploadLine = 'M10 13V3.5M6 7.2l4-3.9 4 3.9M3.5 12.5v2.2a1.8 1.8 0 0 0 1.8 1.8h9.4a1.8 1.8 0 0 0 1.8-1.8v-2.2';

let sheet: CSSStyleSheet | undefined;

export function createZone(shadow: ShadowRoot, choose: (what: Choice) => void): Zone {
  const chooseButton = el('button', { type: 'button', class: 'button primary', part: 'button choose-button' });
  const folderButton = el('button', { type: 'button', class: 'button', part: 'button' });
  const cameraButton = el('button', { type: 'button', class: 'button', part: 'button' });
  const title = el('div', { class: 'title', part: 'title' });
  const limits = el('div', { class: 'limits', part: 'limits', id: 'limits' });
  chooseButton.setAttribute('aria-describedby', 'limits');
  const zone = el(
    'div',
    { class: 'zone', part: 'zone' },
    el('span', { class: 'badge', part: 'badge' }, icon(uploadLine)),
    el('div', { class: 'words' }, title, limits),
    el('div', { class: 'buttons' }, chooseButton, folderButton, cameraButton),
  );
  // A click anywhere in the area chooses files, unless it is on one of the other buttons.
  zone.addEventListener('click', ({ target }) => {
    if (target === folderButton) choose('folder');
    else choose(target === cameraButton ? 'photo' : 'files');
  });
  const liveRegion = el('div', { class: 'live', role: 'status' });
  const root = el('div', { class: 'root' }, zone, liveRegion);
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(styles);
  }
  shadow.adoptedStyleSheets = [sheet];
  shadow.append(root);

  return {
    root,
    liveRegion,
    chooseButton,
    update({ translator: { text }, isSingle, isOver, ...texts }) {
      zone.classList.toggle('over', isOver);
      setText(title, text(isOver ? 'dropNow' : isSingle ? 'dropOne' : 'drop'));
      setText(limits, texts.limits);
      limits.classList.toggle('problem', texts.hasProblem);
      setText(chooseButton, text(isSingle ? 'chooseFile' : 'chooseFiles'));
      setText(folderButton, text('chooseFolder'));
      setText(cameraButton, text('takePhoto'));
      folderButton.hidden = !texts.showsFolders;
      cameraButton.hidden = !texts.showsCamera;
      for (const button of [chooseButton, folderButton, cameraButton]) button.disabled = texts.isDisabled;
    },
  };
}
