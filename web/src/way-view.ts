/**
 * The drawing: a heavy line from the page to the store, and a thin one by way of the server. Line widths follow the
 * counts (a tenfold is one step), and the counts are what server and store measured, not what the page believes.
 */
import type { Way } from './consignment.ts';
import { el } from './dom.ts';
import { formatExactBytes } from './format.ts';

export function wayView(way: Way): HTMLElement {
  const { server, store } = way;
  const road = el('div', { class: 'road' }, el('span', {}, store ? formatExactBytes(store.bytesIn) : 'every byte'));
  road.style.setProperty('--weight', `${lineWidth(store?.bytesIn ?? 1e6)}px`);
  const detour = el(
    'div',
    { class: 'detour' },
    el('span', {}, 'server'),
    el('span', {}, formatExactBytes(server.bytesIn)),
  );
  detour.style.setProperty('--weight', `${lineWidth(server.bytesIn) / 2}px`);
  const drawing = el(
    'div',
    { class: 'drawing', 'aria-hidden': 'true' },
    el('span', { class: 'post' }, 'page'),
    road,
    el('span', { class: 'post' }, 'store'),
    detour,
  );
  return el('figure', { class: 'way' }, drawing, el('figcaption', {}, wayInWords(way)));
}

export function wayInWords({ server, store }: Way): string {
  return [
    `${formatExactBytes(server.fileBytes).replace(/ (bytes?)$/, ' file $1')} through the server`,
    store ? `${formatExactBytes(store.bytesIn)} to the store` : 'this store keeps its own count',
    `server handled ${formatExactBytes(server.bytesIn)} of JSON and headers in ${server.requests === 1 ? '1 request' : `${server.requests} requests`}`,
  ].join(' · ');
}

/** 1 to 10 px for 1 byte to a gigabyte. */
function lineWidth(bytes: number): number {
  return Math.round(1 + Math.min(9, Math.log10(Math.max(1, bytes))));
}
