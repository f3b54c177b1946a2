/** Builds elements. Text is added as text nodes only, so a file name can never become markup. */

type Attributes = Readonly<Record<string, string | boolean | undefined>>;

export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : value);
  element.append(...children);
  return element;
}

/** Writes only a changed text: writing the same text again would disturb a screen reader or the user's selection. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

const svg = 'http://www.w3.org/2000/svg';

/** @param line an SVG path in a square of 20 units, drawn with a round pen */
export function icon(line: string): SVGSVGElement {
  const drawing = document.createElementNS(svg, 'svg');
  drawing.setAttribute('viewBox', '0 0 20 20');
  drawing.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(svg, 'path');
  path.setAttribute('d', line);
  drawing.append(path);
  return drawing;
}
