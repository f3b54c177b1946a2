/** One line of the list: built once, then told of every change. Nothing is rebuilt that a reader may be using. */
import type { UploadSnapshot } from 'waybill/client';
import { barcodeOf } from './barcode.ts';
import { type Consignment, stages } from './consignment.ts';
import { displayOf, downloadUrl, thumbnailOf } from './display.ts';
import { el, setText } from './dom.ts';
import { formatBytes, formatMoment, formatSeconds, joinFacts } from './format.ts';
import { kindOf, printableName, shortName } from './names.ts';
import { wayView } from './way-view.ts';

export interface ConsignmentActions {
  pause(): void;
  /** Goes on after a pause, in this page or an earlier one. */
  goOn(): void;
  /** Drops what has arrived, and sends the file as it is now. */
  startOver(): void;
  cancel(): void;
  /** Sends again, or asks for the file again when the page no longer has it. */
  again(): void;
  remove(): void;
}

export interface ConsignmentView {
  readonly element: HTMLElement;
  update(consignment: Consignment, standing: Standing): void;
}

/** What only this page knows of it. */
export interface Standing {
  progress: Progress | null;
  /** It can be sent without asking for it. */
  hasFile: boolean;
  /** The file is another by now. */
  changed: boolean;
}

export type Progress = Pick<UploadSnapshot, 'loaded' | 'bytesPerSecond' | 'secondsLeft'> & { total: number | null };

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
    goOn: button('Go on', spoken, actions.goOn),
    startOver: button('Start over', spoken, actions.startOver),
    pause: button('Pause', spoken, actions.pause),
    cancel: button('Cancel', spoken, actions.cancel),
    again: button('Try again', spoken, actions.again),
    remove: button('Take off the list', spoken, actions.remove),
  };
  const open = el('a', { class: 'button', target: '_blank', rel: 'noopener' }, 'Open');
  const download = el('a', { class: 'button' }, 'Download');
  const act = el(
    'div',
    { class: 'actions' },
    open,
    download,
    buttons.goOn,
    buttons.startOver,
    buttons.again,
    buttons.pause,
    buttons.cancel,
    buttons.remove,
  );
  const stub = el(
    'div',
    { class: 'stub', 'aria-hidden': 'true' },
    el('span', { class: 'number' }, String(first.number).padStart(3, '0')),
    barcodeOf(first.id),
  );
  const element = el(
    'article',
    { 'aria-labelledby': nameId, class: first.compact ? 'compact' : undefined },
    stub,
    el('div', { class: 'particulars' }, name, facts, progress, pace, verdict, exhibits, act),
    stamp,
  );
  let drawn: { url?: string; way?: boolean } = {};

  function update(consignment: Consignment, standing: Standing): void {
    const { hasFile, changed } = standing;
    const { stage, words, file, way } = consignment;
    const { label, moving } = stages[stage];
    element.dataset.stage = stage;
    setText(stamp, label);
    setText(facts, factsOf(consignment));
    // What waits its turn among many has nothing to show yet.
    progress.hidden = pace.hidden = !moving || (first.compact && stage === 'waiting');
    if (moving) showProgress(consignment, standing.progress);
    const { title, advice } =
      stage === 'interrupted'
        ? interrupted
        : stage === 'left'
          ? left(hasFile)
          : stage === 'elsewhere'
            ? elsewhere
            : (words ?? { title: '', advice: '' });
    verdict.hidden = title === '';
    if (!verdict.hidden) verdict.replaceChildren(el('strong', {}, `${title}.`), ` ${advice}`);
    const here = moving && stage !== 'elsewhere';
    buttons.pause.hidden = !here || stage === 'paused' || stage === 'checking';
    buttons.goOn.hidden = stage !== 'paused' && stage !== 'left';
    setText(buttons.goOn.firstChild as Element, stage === 'left' && !hasFile ? 'Choose the file again' : 'Go on');
    buttons.startOver.hidden = stage !== 'left' && !changed;
    buttons.cancel.hidden = !here;
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
      exhibits.replaceChildren(...(first.compact ? thumbnailOf(file, url) : [displayOf(file, url)]));
    }
    if (way && !drawn.way && !first.compact) {
      drawn.way = true;
      exhibits.append(wayView(way));
    }
  }

  function showProgress(consignment: Consignment, snapshot: Progress | null): void {
    const percent = snapshot?.total ? Math.min(100, (snapshot.loaded / snapshot.total) * 100) : 0;
    const measurable = /^(comparing|sending|paused|elsewhere|pausing|offline)$/.test(consignment.stage) && percent > 0;
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

const elsewhere = {
  title: 'Another tab sends it',
  advice: 'It goes on there, and is shown here as well. Close that tab, and you can go on here.',
};

function left(hasFile: boolean) {
  const advice = hasFile
    ? 'The page was closed before all of it was sent. What has arrived is kept, and only the rest will be sent.'
    : 'The page was closed before all of it was sent. What has arrived is kept: choose the same file, and only the rest will be sent.';
  return { title: 'Not finished', advice };
}

function factsOf({ size, contentType, route, file, fileName, relativePath }: Consignment): string {
  const stored = file ? [formatMoment(file.storedAt)] : [];
  const folder = relativePath?.slice(0, -fileName.length - 1);
  const place = folder ? [`in ${shortName(folder, 60)}`] : [];
  return joinFacts([formatBytes(size), kindOf(contentType), `by ${route}`, ...place, ...stored]);
}

function paceOf({ stage, size }: Consignment, snapshot: Progress | null): string {
  switch (stage) {
    case 'waiting':
      return snapshot?.loaded
        ? `Waiting its turn, ${formatBytes(snapshot.loaded)} of ${formatBytes(size)} have arrived`
        : 'Waiting its turn';
    case 'paused':
      return snapshot?.loaded
        ? `Paused at ${formatBytes(Math.min(snapshot.loaded, size))} of ${formatBytes(size)}`
        : 'Paused before it was sent';
    case 'elsewhere':
      return snapshot?.loaded
        ? `${formatBytes(Math.min(snapshot.loaded, size))} of ${formatBytes(size)} so far`
        : `${formatBytes(size)} in all`;
    case 'reading':
      return 'Reading the file to seal it';
    case 'comparing':
      return `Comparing it with what has arrived: ${formatBytes(Math.min(snapshot?.loaded ?? 0, size))} of ${formatBytes(size)} so far`;
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
