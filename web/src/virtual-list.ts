/**
 * A list of thousands of rows that scrolls like a list of ten. A row far from the window is an empty element with the
 * height that the row had last; its content is built when it comes near. Changed rows are drawn once in each frame.
 */
import { el } from './dom.ts';

export interface VirtualRow {
  readonly element: HTMLElement;
  draw(): void;
}

export interface VirtualList<Item> {
  /** Adds the item at the top. */
  add(item: Item): void;
  remove(item: Item): void;
  /** Draws the item in the next frame. */
  redraw(item: Item): void;
  moveToTop(item: Item): void;
  /** The list element that holds the row of this item. */
  elementOf(item: Item): HTMLElement | undefined;
}

/** The first rows are always built: about two screens. */
const alwaysBuilt = 40;
/** Rows within this distance of the window are built. */
const nearPx = 1200;

interface Entry {
  element: HTMLLIElement;
  row: VirtualRow | null;
  isAlwaysBuilt: boolean;
}

export function createVirtualList<Item>(list: HTMLElement, buildRow: (item: Item) => VirtualRow): VirtualList<Item> {
  const entries = new Map<Item, Entry>();
  const itemOfElement = new WeakMap<Element, Item>();
  const changedItems = new Set<Item>();
  let isDrawScheduled = false;

  const observer = new IntersectionObserver(
    (changes) => {
      for (const { target, isIntersecting, boundingClientRect } of changes) {
        const item = itemOfElement.get(target);
        const entry = item === undefined ? undefined : entries.get(item);
        if (item === undefined || !entry) continue;
        if (!isIntersecting) emptyRow(entry, boundingClientRect.height);
        else if (!entry.row) entry.row = fillRow(entry.element, buildRow(item));
      }
    },
    { rootMargin: `${nearPx}px 0px` },
  );

  function drawChanges(): void {
    isDrawScheduled = false;
    for (const item of changedItems) entries.get(item)?.row?.draw();
    changedItems.clear();
  }

  return {
    add(item) {
      const element = el('li');
      const entry: Entry = { element, row: null, isAlwaysBuilt: entries.size < alwaysBuilt };
      entries.set(item, entry);
      itemOfElement.set(element, item);
      if (entry.isAlwaysBuilt) entry.row = fillRow(element, buildRow(item));
      else observer.observe(element);
      list.prepend(element);
    },
    remove(item) {
      const entry = entries.get(item);
      if (!entry) return;
      observer.unobserve(entry.element);
      entry.element.remove();
      entries.delete(item);
    },
    redraw(item) {
      changedItems.add(item);
      if (!isDrawScheduled) requestAnimationFrame(drawChanges);
      isDrawScheduled = true;
    },
    moveToTop(item) {
      const entry = entries.get(item);
      if (entry && !entry.element.contains(document.activeElement)) list.prepend(entry.element);
    },
    elementOf: (item) => entries.get(item)?.element,
  };
}

function fillRow(element: HTMLLIElement, row: VirtualRow): VirtualRow {
  row.draw();
  element.style.removeProperty('height');
  element.replaceChildren(row.element);
  return row;
}

/** @param height as the observer measured it: measuring here would force a layout for each row */
function emptyRow(entry: Entry, height: number): void {
  const { element, row, isAlwaysBuilt } = entry;
  if (!row || isAlwaysBuilt || element.contains(document.activeElement)) return;
  element.style.setProperty('height', `${height}px`);
  element.replaceChildren();
  entry.row = null;
}
