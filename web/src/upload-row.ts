/** One row of the list. It is built once and then updated, so that an update never replaces what the user is using. */
import { formatBytes } from 'waybill';
import { el, setText } from './dom.ts';
import { describeContentType, printableName, shortName } from './file-names.ts';
import { downloadUrl } from './file-viewer.ts';
import { joinFacts } from './format.ts';
import { type ItemRecord, stages } from './item-record.ts';
import { type Progress, progressShare, progressText } from './progress-text.ts';
import { Thumbnail } from './thumbnail.ts';
import { UploadDetails } from './upload-details.ts';

export interface RowActions {
  resolveUrl(url: string): string;
  pause(): void;
  resume(): void;
  startOver(): void;
  cancel(): void;
  retry(): void;
  remove(): void;
  toggleDetails(): void;
}

export interface RowState {
  record: ItemRecord;
  progress: Progress | null;
  warning: string | null;
  /** The file on disk, if this page has it. */
  localFile: Blob | null;
  /** Whether the file can be sent without asking the user for it. */
  hasFile: boolean;
  /** The file on disk differs from the file that the upload began with. */
  hasChanged: boolean;
  isExpanded: boolean;
}

type Buttons = ReturnType<typeof createButtons>;

export class UploadRow {
  readonly element: HTMLElement;
  readonly #actions: RowActions;
  readonly #thumbnail: Thumbnail;
  readonly #facts = el('p', { class: 'facts' });
  readonly #pace = el('p', { class: 'pace' });
  readonly #problem = el('p', { class: 'problem' });
  readonly #warning = el('p', { class: 'warning' });
  readonly #badge = el('p', { class: 'status-badge' });
  readonly #bar: HTMLElement;
  readonly #buttons: Buttons;
  readonly #details: UploadDetails;

  constructor(record: ItemRecord, actions: RowActions) {
    const nameId = `name-${record.id}`;
    const detailsId = `details-${record.id}`;
    this.#actions = actions;
    this.#thumbnail = new Thumbnail(record.fileName);
    // With a pointer, the whole picture opens the details. With the keyboard, the button does.
    this.#thumbnail.element.addEventListener('click', () => {
      if (!this.#buttons.details.hidden) actions.toggleDetails();
    });
    this.#bar = createProgressBar(nameId);
    this.#buttons = createButtons(shortName(record.fileName, 40), detailsId, actions);
    this.#details = new UploadDetails(detailsId, nameId);
    const { details, remove, ...others } = this.#buttons;
    this.element = el(
      'article',
      { 'aria-labelledby': nameId, class: 'upload' },
      this.#thumbnail.element,
      el('div', { class: 'text' }, createHeading(nameId, record.fileName), this.#facts, this.#pace),
      this.#badge,
      this.#warning,
      this.#problem,
      el('div', { class: 'actions' }, ...Object.values(others)),
      el('div', { class: 'row-controls' }, details, remove),
      this.#bar,
      this.#details.element,
    );
  }

  update(state: RowState): void {
    const { record, progress, warning } = state;
    const { label, isActive } = stages[record.stage];
    // In a large batch, a file that waits for its turn has no progress to show.
    const showsProgress = isActive && !(record.inLargeBatch && record.stage === 'waiting');
    this.element.dataset.stage = record.stage;
    if (state.localFile && !record.inLargeBatch) this.#thumbnail.showLocal(state.localFile);
    setText(this.#badge, label);
    setText(this.#facts, factsText(record));
    this.#facts.hidden = showsProgress;
    this.#pace.hidden = this.#bar.hidden = !showsProgress;
    if (showsProgress) this.#showProgress(record, progress);
    this.#warning.hidden = warning === null || !isActive;
    setText(this.#warning, warning ?? '');
    this.#showProblem(state);
    updateButtons(this.#buttons, state);
    this.#showFile(state);
  }

  #showProgress(record: ItemRecord, progress: Progress | null): void {
    const share = progressShare(record, progress);
    const sentence = progressText(record, progress);
    setText(this.#pace, sentence);
    this.#bar.classList.toggle('indeterminate', share === null);
    (this.#bar.firstElementChild as HTMLElement).style.setProperty('--share', String(share ?? 0));
    this.#bar.setAttribute('aria-valuetext', sentence);
    // A progress bar without a value is indeterminate.
    if (share === null) this.#bar.removeAttribute('aria-valuenow');
    else this.#bar.setAttribute('aria-valuenow', String(Math.floor(share * 100)));
  }

  #showProblem(state: RowState): void {
    const problem = problemOf(state);
    this.#problem.hidden = !problem;
    if (problem) this.#problem.replaceChildren(el('strong', {}, `${problem.title}.`), ` ${problem.advice}`);
  }

  #showFile({ record, isExpanded }: RowState): void {
    const { file } = record;
    const { open, download } = this.#buttons;
    this.element.classList.toggle('expanded', isExpanded && file !== null);
    if (!file) {
      this.#details.hide();
      return;
    }
    const url = this.#actions.resolveUrl(file.url);
    if (open.href !== url) {
      open.href = url;
      download.href = downloadUrl(url);
      this.#thumbnail.showStored(file, url);
    }
    if (isExpanded) this.#details.show(record, file, url);
    else if (!this.#details.element.hidden) this.#details.hide();
  }
}

function createHeading(id: string, fileName: string): HTMLElement {
  const attributes = { id, class: 'file-name typed', title: printableName(fileName) };
  return el('h3', attributes, el('bdi', {}, shortName(fileName, 90)));
}

function createProgressBar(labelledBy: string): HTMLElement {
  return el(
    'div',
    {
      class: 'progress',
      role: 'progressbar',
      'aria-labelledby': labelledBy,
      'aria-valuemin': '0',
      'aria-valuemax': '100',
    },
    el('div', { class: 'fill' }),
  );
}

function createButtons(fileName: string, detailsId: string, actions: RowActions) {
  const details = createButton('Details', fileName, actions.toggleDetails);
  details.classList.add('disclosure');
  details.setAttribute('aria-controls', detailsId);
  const remove = createButton('Remove from list', fileName, actions.remove);
  remove.classList.add('remove');
  remove.title = 'Remove from list';
  return {
    open: createLink('Open', fileName, { target: '_blank', rel: 'noopener' }),
    download: createLink('Download', fileName),
    resume: createButton('Resume', fileName, actions.resume),
    startOver: createButton('Start over', fileName, actions.startOver),
    retry: createButton('Try again', fileName, actions.retry),
    pause: createButton('Pause', fileName, actions.pause),
    cancel: createButton('Cancel', fileName, actions.cancel),
    details,
    remove,
  };
}

/** The file name follows the label for screen readers, because the labels of all rows are alike. */
function labelOf(label: string, fileName: string): HTMLElement[] {
  return [el('span', { class: 'label' }, label), el('span', { class: 'visually-hidden' }, ` ${fileName}`)];
}

function createButton(label: string, fileName: string, onClick: () => void): HTMLButtonElement {
  const element = el('button', { type: 'button' }, ...labelOf(label, fileName));
  element.addEventListener('click', onClick);
  return element;
}

function createLink(label: string, fileName: string, attributes: Record<string, string> = {}): HTMLAnchorElement {
  return el('a', { class: 'button file-link', ...attributes }, ...labelOf(label, fileName));
}

function updateButtons(buttons: Buttons, { record, hasFile, hasChanged, isExpanded }: RowState): void {
  const { stage, error, file } = record;
  const isSentHere = stages[stage].isActive && stage !== 'other-tab';
  const isResumable = stage === 'paused' || stage === 'unfinished';
  buttons.open.hidden = buttons.download.hidden = buttons.details.hidden = !file;
  buttons.details.setAttribute('aria-expanded', String(isExpanded && file !== null));
  buttons.pause.hidden = !isSentHere || stage === 'paused' || stage === 'checking';
  buttons.cancel.hidden = !isSentHere;
  buttons.resume.hidden = !isResumable;
  setLabel(buttons.resume, stage === 'unfinished' && !hasFile ? 'Choose the file again' : 'Resume');
  buttons.startOver.hidden = stage !== 'unfinished' && !hasChanged;
  buttons.retry.hidden = !(stage === 'interrupted' || error?.canRetry === true);
  setLabel(buttons.retry, hasFile ? 'Try again' : 'Choose it again');
  buttons.remove.hidden = stages[stage].isActive;
}

function setLabel(button: HTMLButtonElement, label: string): void {
  setText(button.firstElementChild as Element, label);
}

function factsText({ size, contentType, file, fileName, relativePath }: ItemRecord): string {
  const folder = relativePath?.slice(0, -fileName.length - 1);
  const facts = [formatBytes(size), describeContentType(file?.contentType ?? contentType)];
  if (folder) facts.push(`in ${shortName(folder, 60)}`);
  return joinFacts(facts);
}

function problemOf({ record, hasFile }: RowState): { title: string; advice: string } | null {
  switch (record.stage) {
    case 'interrupted':
      return {
        title: 'Interrupted',
        advice: 'The page was closed or reloaded while it was sent. Choose the same file again to send it.',
      };
    case 'other-tab':
      return {
        title: 'Another tab sends it',
        advice: 'Its progress is shown here as well. To continue here, close that tab.',
      };
    case 'unfinished': {
      const next = hasFile ? ', and only' : ': choose the same file, and only';
      return {
        title: 'Not finished',
        advice: `The page was closed before all of it was sent. What has arrived is kept${next} the rest will be sent.`,
      };
    }
    default:
      return record.error;
  }
}
