/** One row of the list. It is built once, and `update` changes only what is different, so that focus stays. */
import type { MessageKey } from '../../messages/catalogue.ts';
import type { Translator } from '../../messages/translate.ts';
import { el, icon, setText } from '../dom.ts';
import { icons, setIcon, setLabel } from './icons.ts';
import { type Item, isRunning, type MainAction, mainActionOf, shareOf, stateOf } from './items.ts';
import { statusText } from './status-text.ts';

export type RowAction = MainAction | 'cancel' | 'remove' | 'preview';

export interface RowContext {
  translator(): Translator;
  act(item: Item, action: RowAction): void;
  canReorder(): boolean;
}

const mainIcons = { pause: 'pause', resume: 'resume', retry: 'retry', chooseAgain: 'choose' } as const;
const previewable = /^(image|video|audio)\/|^application\/pdf$/;

export interface Row {
  readonly element: HTMLLIElement;
  readonly item: Item;
  /** Where the picture of the file is drawn. */
  readonly thumbnail: HTMLElement;
  /** Moves the row by pointer and by arrow keys. */
  readonly grip: HTMLButtonElement;
  readonly removeButton: HTMLButtonElement;
  update(): void;
}

export function createRow(item: Item, { translator, act, canReorder }: RowContext): Row {
  const { fileName } = item;
  const [, stem = fileName, extension = ''] = /^(.+)(\.[^.]{1,8})$/.exec(fileName) ?? [];
  const contentType = item.found?.blob.type ?? '';

  const grip = el('button', { type: 'button', class: 'grip icon-button', part: 'grip' }, icon(icons.move));
  const thumbnail = previewable.test(contentType)
    ? el('button', { type: 'button', class: 'thumbnail', part: 'thumbnail' })
    : el('span', { class: 'thumbnail', part: 'thumbnail', 'aria-hidden': 'true' });
  thumbnail.append(el('span', { class: 'extension', 'aria-hidden': 'true' }, extension.slice(1, 5) || '?'));
  const name = el(
    'div',
    { class: 'name', part: 'name', title: fileName },
    el('bdi', { 'aria-hidden': 'true' }, el('span', { class: 'stem' }, stem), el('span', {}, extension)),
    el('span', { class: 'hidden-text' }, fileName),
  );
  const statusIcon = icon(icons.done);
  const status = el('span', { class: 'status', part: 'status' });
  const size = el('span', { class: 'size' });
  const bar = el('div', { class: 'fill', part: 'progress-fill' });
  const progress = el('div', { class: 'progress', part: 'progress', role: 'progressbar' }, bar);
  const mainIcon = icon(icons.pause);
  const mainButton = el('button', { type: 'button', class: 'icon-button main', part: 'button' }, mainIcon);
  const removeButton = el('button', { type: 'button', class: 'icon-button', part: 'button' }, icon(icons.close));
  const element = el(
    'li',
    { class: 'row', part: 'row' },
    grip,
    thumbnail,
    el('div', { class: 'facts' }, name, el('div', { class: 'meta', part: 'meta' }, size, statusIcon, status), progress),
    el('div', { class: 'actions' }, mainButton, removeButton),
  );

  let action: MainAction | null = null;
  mainButton.addEventListener('click', () => action && act(item, action));
  removeButton.addEventListener('click', () => act(item, isRunning(item) ? 'cancel' : 'remove'));
  if (thumbnail instanceof HTMLButtonElement) thumbnail.addEventListener('click', () => act(item, 'preview'));

  function update(): void {
    const { text, size: sizeText, percent } = translator();
    const label = (key: MessageKey & ('pause' | RowAction | 'move')) => `${text(key)} ${fileName}`;
    const state = stateOf(item);
    element.dataset.state = state;
    element.classList.toggle('running', isRunning(item));
    setText(size, sizeText(item.size));
    setText(status, statusText(translator(), item));
    setIcon(statusIcon, state === 'failed' ? 'alert' : 'done');

    const share = shareOf(item);
    bar.style.inlineSize = `${share * 100}%`;
    progress.hidden = !isRunning(item);
    progress.setAttribute('aria-label', fileName);
    progress.setAttribute('aria-valuenow', String(Math.round(share * 100)));
    progress.setAttribute('aria-valuetext', percent(share));

    action = mainActionOf(item);
    const loses = !action && isFocused(mainButton);
    if (action) {
      setIcon(mainIcon, mainIcons[action]);
      setLabel(mainButton, label(action));
    }
    // The focus must not be lost with the button.
    if (loses) removeButton.focus();
    mainButton.hidden = !action;
    setLabel(removeButton, label(isRunning(item) ? 'cancel' : 'remove'));
    grip.hidden = !canReorder();
    setLabel(grip, `${label('move')}. ${text('moveHint')}`);
    if (thumbnail instanceof HTMLButtonElement) setLabel(thumbnail, label('preview'));
  }

  update();
  return { element, item, thumbnail, grip, removeButton, update };
}

const isFocused = (element: HTMLElement) => (element.getRootNode() as ShadowRoot).activeElement === element;
