/** One line of the list: built once, then told of every change. Nothing is rebuilt that a reader may be using. */
import type { UploadSnapshot } from '../../src/client/index.ts';
import { barcodeOf } from './barcode.ts';
import { type Consignment, stages } from './consignment.ts';
import { displayOf, downloadUrl } from './display.ts';
import { el, setText } from './dom.ts';
import { formatBytes, formatMoment, formatSeconds, joinFacts } from './format.ts';
import { kindOf, printableName, shortName } from './names.ts';
import { wayView } from './way-view.ts';

export interface ConsignmentActions {
  cancel(): void;
  /** Sends again, or asks for the file again when the page no longer has it. */
  again(): void;
  remove(): void;
}

export interface ConsignmentView {
  readonly element: HTMLLIElement;
  update(consignment: Consignment, snapshot: UploadSnapshot | null, hasFile: boolean): void;
}

export function createConsignmentView(
  first: Consignment,
  actions: ConsignmentActions,
  resolveUrl: (url: string) => string,
): ConsignmentView {
  const nameId = `name-${first.id}`;
  const spoken = shortName(first.fileName, 40);
  const name = el(
    'h3',
    { id: nameId, class: 'typed', title: printableName(first.fileName) },
    el('bdi', {}, shortName(first.fileName, 90)),
  );
  const facts = el('p', { class: 'facts' });
  const bar = el('div', { class: 'fill' });
  const progress = el(
    'div',
    { class: 'progress', role: 'progressbar', 'aria-labelledby': nameId, 'aria-valuemin': '0', 'aria-valuemax': '100' },
    bar,
  );
  const pace = el('p', { class: 'pace typed' });
  const verdict = el('p', { class: 'verdict' });
  const stamp = el('p', { class: 'stamp' });
  const exhibits = el('div', { class: 'exhibits' });
  const buttons = {
    cancel: button('Cancel', spoken, actions.cancel),
    again: button('Try again', spoken, actions.again),
    remove: button('Take off the list', spoken, actions.remove),
  };
  const open = el('a', { class: 'button', target: '_blank', rel: 'noopener' }, 'Open');
  const download = el('a', { class: 'button' }, 'Download');
  const act = el('div', { class: 'actions' }, open, download, buttons.again, buttons.cancel, buttons.remove);
  const stub = el(
    'div',
    { class: 'stub', 'aria-hidden': 'true' },
    el('span', { class: 'number' }, String(first.number).padStart(3, '0')),
    barcodeOf(first.id),
  );
  const element = el(
    'li',
    { class: 'consignment' },
    el(
      'article',
      { 'aria-labelledby': nameId },
      stub,
      el('div', { class: 'particulars' }, name, facts, progress, pace, verdict, exhibits, act),
      stamp,
    ),
  );
  let drawn: { url?: string; way?: boolean } = {};

  function update(consignment: Consignment, snapshot: UploadSnapshot | null, hasFile: boolean): void {
    const { stage, words, file, way } = consignment;
    const { label, moving } = stages[stage];
    element.dataset.stage = stage;
    setText(stamp, label);
    setText(facts, factsOf(consignment));
    progress.hidden = pace.hidden = !moving;
    if (moving) showProgress(consignment, snapshot);
    const { title, advice } = stage === 'interrupted' ? interrupted : (words ?? { title: '', advice: '' });
    verdict.hidden = title === '';
    if (!verdict.hidden) verdict.replaceChildren(el('strong', {}, `${title}.`), ` ${advice}`);
    buttons.cancel.hidden = !moving;
    buttons.remove.hidden = moving;
    const mayAgain = stage === 'interrupted' || words?.again === true;
    buttons.again.hidden = !mayAgain;
    setText(buttons.again.firstChild as Element, hasFile ? 'Try again' : 'Pick it again');
    open.hidden = download.hidden = !file;
    if (!file) {
      exhibits.replaceChildren();
      drawn = {};
      return;
    }
    const url = resolveUrl(file.url);
    if (drawn.url !== url) {
      drawn = { url };
      open.href = url;
      download.href = downloadUrl(url);
      exhibits.replaceChildren(displayOf(file, url));
    }
    if (way && !drawn.way) {
      drawn.way = true;
      exhibits.append(wayView(way));
    }
  }

  function showProgress(consignment: Consignment, snapshot: UploadSnapshot | null): void {
    const percent = snapshot?.total ? Math.min(100, (snapshot.loaded / snapshot.total) * 100) : 0;
    const measurable = consignment.stage === 'sending' && percent > 0;
    progress.classList.toggle('unknown', !measurable);
    bar.style.setProperty('--share', String(measurable ? percent / 100 : 0));
    const sentence = paceOf(consignment, snapshot);
    setText(pace, sentence);
    progress.setAttribute('aria-valuetext', sentence);
    // Without a value it is indeterminate, which is what a wait is.
    if (measurable) progress.setAttribute('aria-valuenow', String(Math.floor(percent)));
    else progress.removeAttribute('aria-valuenow');
  }

  return { element, update };
}

const interrupted = {
  title: 'Interrupted',
  advice: 'The page was closed or reloaded while it was on its way. Pick the same file again to send it.',
};

function factsOf({ size, contentType, route, file }: Consignment): string {
  const stored = file ? [formatMoment(file.storedAt)] : [];
  return joinFacts([formatBytes(size), kindOf(contentType), `by ${route}`, ...stored]);
}

function paceOf({ stage, size }: Consignment, snapshot: UploadSnapshot | null): string {
  switch (stage) {
    case 'waiting':
      return 'Waiting its turn';
    case 'reading':
      return 'Reading the file to seal it';
    case 'asking':
      return 'Asking the server for permission';
    case 'checking':
      return 'All sent. The server checks what arrived';
    case 'offline':
      return 'No network. It goes on by itself when the network is back';
    case 'pausing':
      return 'That failed. Trying again in a moment';
    default: {
      if (!snapshot || snapshot.loaded === 0) return `Sending ${formatBytes(size)}`;
      const parts = [`${formatBytes(Math.min(snapshot.loaded, size))} of ${formatBytes(size)}`];
      if (snapshot.bytesPerSecond > 0) parts.push(`${formatBytes(snapshot.bytesPerSecond)}/s`);
      if (snapshot.secondsLeft !== null) parts.push(`${formatSeconds(snapshot.secondsLeft)} left`);
      return joinFacts(parts);
    }
  }
}

/** Its first child is the visible label; the file's name follows for those who hear one button after another. */
function button(label: string, fileName: string, onClick: () => void): HTMLButtonElement {
  const element = el(
    'button',
    { type: 'button' },
    el('span', {}, label),
    el('span', { class: 'visually-hidden' }, ` ${fileName}`),
  );
  element.addEventListener('click', onClick);
  return element;
}
