/** Draws decorative stripes that are computed from an id. A scanner cannot read them as a barcode. */

const svg = 'http://www.w3.org/2000/svg';

export function barcodeOf(id: string): SVGSVGElement {
  const drawing = document.createElementNS(svg, 'svg');
  drawing.setAttribute('class', 'barcode');
  drawing.setAttribute('aria-hidden', 'true');
  drawing.setAttribute('preserveAspectRatio', 'none');
  let x = 0;
  let path = '';
  for (const character of id.slice(-12)) {
    const code = character.charCodeAt(0);
    const bar = 1 + (code & 3);
    path += `M${x} 0h${bar}v1h${-bar}z`;
    x += bar + 1 + ((code >> 2) & 1);
    path += `M${x} 0h1v1h-1z`;
    x += 2 + ((code >> 3) & 1);
  }
  drawing.setAttribute('viewBox', `0 0 ${Math.max(x, 1)} 1`);
  const bars = document.createElementNS(svg, 'path');
  bars.setAttribute('d', path);
  drawing.append(bars);
  return drawing;
}
