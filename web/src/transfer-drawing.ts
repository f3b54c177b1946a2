/**
 * Draws where the bytes of an upload went: a heavy line from the page to the storage, and a thin one by way of the
 * server. The counts are those of the server and the storage. The width of a line is logarithmic: ten times the bytes
 * is one pixel more.
 */
import { el } from './dom.ts';
import { formatExactBytes } from './format.ts';
import type { TransferStats } from './item-record.ts';

export function createTransferDrawing(stats: TransferStats): HTMLElement {
  const { server, store } = stats;
  const direct = el('div', { class: 'direct' }, el('span', {}, store ? formatExactBytes(store.bytesIn) : 'every byte'));
  direct.style.setProperty('--weight', `${lineWidth(store?.bytesIn ?? 1e6)}px`);
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
    el('span', { class: 'place' }, 'page'),
    direct,
    el('span', { class: 'place' }, 'storage'),
    detour,
  );
  return el('figure', { class: 'transfer' }, drawing, el('figcaption', {}, describeTransfer(stats)));
}

function describeTransfer({ server, store }: TransferStats): string {
  const requests = server.requests === 1 ? '1 request' : `${server.requests} requests`;
  return [
    `${formatExactBytes(server.fileBytes).replace(/ (bytes?)$/, ' file $1')} through the server`,
    store ? `${formatExactBytes(store.bytesIn)} to the storage` : 'this storage does not report its count',
    `server handled ${formatExactBytes(server.bytesIn)} of JSON and headers in ${requests}`,
  ].join(' · ');
}

/** From 1 px for 1 byte to 10 px for a gigabyte. */
function lineWidth(bytes: number): number {
  return Math.round(1 + Math.min(9, Math.log10(Math.max(1, bytes))));
}
