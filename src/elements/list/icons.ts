/** The icons of the list, and the names of its buttons. */

/** See `icon()` in ../dom.ts. */
export const icons = {
  pause: 'M7.3 5v10M12.7 5v10',
  resume: 'M7 4.8v10.4l8-5.2z',
  retry: 'M15.8 8.2A6.1 6.1 0 1 0 16 11M16 4.2v4.1h-4.1',
  close: 'M5.5 5.5l9 9M14.5 5.5l-9 9',
  done: 'M4.5 10.5l3.7 3.7 7.3-8.2',
  alert: 'M10 6v4.6M10 13.9v.1M10 2.6a7.4 7.4 0 1 0 0 14.8 7.4 7.4 0 0 0 0-14.8z',
  choose: 'M3 15V5.6c0-.6.5-1.1 1.1-1.1h3.5l1.8 2h6.5c.6 0 1.1.5 1.1 1.1V15c0 .6-.5 1-1.1 1H4.1c-.6 0-1.1-.4-1.1-1z',
  move: 'M7.5 5v.1M7.5 10v.1M7.5 15v.1M12.5 5v.1M12.5 10v.1M12.5 15v.1',
} as const;

export function setIcon(drawing: SVGSVGElement, name: keyof typeof icons): void {
  const path = drawing.firstElementChild;
  if (path?.getAttribute('d') !== icons[name]) path?.setAttribute('d', icons[name]);
}

export function setLabel(element: Element, label: string): void {
  if (element.getAttribute('aria-label') === label) return;
  element.setAttribute('aria-label', label);
  element.setAttribute('title', label);
}
