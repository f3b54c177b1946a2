/**
 * A list of thousands that scrolls and types as one of ten does: a line far from the window is an empty shell of the height
 * it last had, and is drawn when it comes near. Changes are drawn once a frame, however many there were.
 */
import { el } from './dom.ts';

export interface RollView {
  readonly element: HTMLElement;
  draw(): void;
}

export interface Roll<Item> {
  /** The first of the list from now on. */
  add(item: Item): void;
  remove(item: Item): void;
  changed(item: Item): void;
  /** To the top of the list. */
  lift(item: Item): void;
  /** Its place in the list. */
  shellOf(item: Item): HTMLElement | undefined;
}

/** A screen or two are there at once. */
const eager = 40;
/** Beyond the window's edges. */
const nearPx = 1200;

interface Entry {
  shell: HTMLLIElement;
  view: RollView | null;
  stays: boolean;
}

export function createRoll<Item>(
  list: HTMLElement,
  build: (item: Item) => RollView,
  classOf: (item: Item) => string,
): Roll<Item> {
  const entries = new Map<Item, Entry>();
  const items = new WeakMap<Element, Item>();
  const dirty = new Set<Item>();
  let scheduled = false;
  const observer = new IntersectionObserver(
    (changes) => {
      for (const { target, isIntersecting, boundingClientRect } of changes) {
        const item = items.get(target);
        const entry = item === undefined ? undefined : entries.get(item);
        if (item === undefined || !entry) continue;
        if (isIntersecting) mount(item, entry);
        else unmount(entry, boundingClientRect.height);
      }
    },
    { rootMargin: `${nearPx}px 0px` },
  );

  function mount(item: Item, entry: Entry): void {
    if (entry.view) return;
    entry.view = build(item);
    entry.view.draw();
    entry.shell.style.removeProperty('height');
    entry.shell.replaceChildren(entry.view.element);
  }

  /** @param height as it was measured: to ask for it here would lay the page out for every single line */
  function unmount(entry: Entry, height: number): void {
    const { shell, view, stays } = entry;
    if (!view || stays || shell.contains(document.activeElement)) return;
    shell.style.setProperty('height', `${height}px`);
    shell.replaceChildren();
    entry.view = null;
  }

  function drawAll(): void {
    scheduled = false;
    for (const item of dirty) entries.get(item)?.view?.draw();
    dirty.clear();
  }

  return {
    add(item) {
      const shell = el('li', { class: `consignment ${classOf(item)}` });
      const entry: Entry = { shell, view: null, stays: entries.size < eager };
      entries.set(item, entry);
      items.set(shell, item);
      if (entry.stays) mount(item, entry);
      else observer.observe(shell);
      list.prepend(shell);
    },
    remove(item) {
      const entry = entries.get(item);
      if (!entry) return;
      observer.unobserve(entry.shell);
      entry.shell.remove();
      entries.delete(item);
    },
    changed(item) {
      dirty.add(item);
      if (!scheduled) requestAnimationFrame(drawAll);
      scheduled = true;
    },
    lift(item) {
      const entry = entries.get(item);
      if (entry && !entry.shell.contains(document.activeElement)) list.prepend(entry.shell);
    },
    shellOf: (item) => entries.get(item)?.shell,
  };
}
