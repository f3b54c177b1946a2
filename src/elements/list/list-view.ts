/** The DOM of the list: notices, the summary and the rows. */
import { el, setText } from '../dom.ts';
import { type Item, isActive, stateOf } from './items.ts';
import { createRow, type Row, type RowContext } from './row.ts';
import { listStyles } from './styles.ts';

export interface ListActions extends RowContext {
  start(): void;
  pauseAll(): void;
  resumeAll(): void;
  removeAll(): void;
  /** A new row is in the list. */
  added(row: Row): void;
}

let sheet: CSSStyleSheet | undefined;

const textButton = (className: string, part: string) =>
  el('button', { type: 'button', class: `text-button ${className}`, part });

export class ListView {
  readonly rows = new Map<string, Row>();
  readonly #actions: ListActions;
  readonly #root: HTMLElement;
  readonly #notice = el('p', { class: 'notice', part: 'notice', hidden: true });
  readonly #count = el('span', { class: 'count', part: 'summary-text' });
  readonly #startButton = textButton('strong', 'button start-button');
  readonly #pauseButton = textButton('', 'button');
  readonly #removeButton = textButton('', 'button');
  readonly #list = el('ul', { class: 'list', part: 'list', role: 'list' });
  readonly #panel: HTMLElement;
  #areAllPaused = false;

  constructor(shadow: ShadowRoot, root: HTMLElement, actions: ListActions) {
    this.#root = root;
    this.#actions = actions;
    const buttons = [this.#startButton, this.#pauseButton, this.#removeButton];
    const summary = el(
      'div',
      { class: 'summary', part: 'summary' },
      this.#count,
      el('div', { class: 'commands' }, ...buttons),
    );
    this.#panel = el('div', { class: 'panel', part: 'panel', hidden: true }, summary, this.#list);
    this.#startButton.addEventListener('click', () => {
      actions.start();
      // The button is gone, and the focus must not be lost with it.
      (this.#pauseButton.hidden ? [...this.rows.values()][0]?.removeButton : this.#pauseButton)?.focus();
    });
    this.#pauseButton.addEventListener('click', ({ detail: clicks }) => {
      // The second click of a double click on the start button, whose place this button has taken.
      if (clicks > 1) return;
      if (this.#areAllPaused) actions.resumeAll();
      else actions.pauseAll();
    });
    this.#removeButton.addEventListener('click', () => actions.removeAll());
    if (!sheet) {
      sheet = new CSSStyleSheet();
      sheet.replaceSync(listStyles);
    }
    shadow.adoptedStyleSheets = [...shadow.adoptedStyleSheets, sheet];
    root.append(this.#notice, this.#panel);
  }

  /** Text below the area, about what was not added. */
  setNotice(text: string): void {
    this.#notice.hidden = !text;
    setText(this.#notice, text);
  }

  /** Brings the rows into the order of the items, and updates each of them. */
  showItems(items: readonly Item[]): void {
    const wanted = new Set(items.map(({ id }) => id));
    for (const [id, { element }] of this.rows)
      if (!wanted.has(id)) {
        element.remove();
        this.rows.delete(id);
      }
    let next: Element | null = this.#list.firstElementChild;
    for (const item of items) {
      const row = this.rows.get(item.id) ?? this.#addRow(item);
      if (row.element === next) next = next.nextElementSibling;
      else this.#list.insertBefore(row.element, next);
      row.update();
    }
    this.#panel.hidden = items.length === 0;
    this.#root.classList.toggle('filled', items.length > 0);
  }

  #addRow(item: Item): Row {
    const row = createRow(item, this.#actions);
    this.rows.set(item.id, row);
    this.#actions.added(row);
    return row;
  }

  showSummary(items: readonly Item[]): void {
    const { text } = this.#actions.translator();
    const count = (state: string) => items.filter((item) => stateOf(item) === state).length;
    this.#list.setAttribute('aria-label', text('files'));
    setText(this.#count, text('summary', { done: count('done'), count: items.length }));
    const ready = count('ready');
    this.#startButton.hidden = ready === 0;
    setText(this.#startButton, text('startAll', { count: ready }));
    const active = items.filter(isActive).length;
    this.#areAllPaused = active === 0;
    this.#pauseButton.hidden = active + count('paused') < 2;
    setText(this.#pauseButton, text(this.#areAllPaused ? 'resumeAll' : 'pauseAll'));
    this.#removeButton.hidden = items.length < 2;
    setText(this.#removeButton, text('removeAll'));
  }
}
