/** Builds elements. Text is added as text nodes only, so a file name can never become markup. */

type Attributes = Record<string, string | boolean | undefined>;

export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children);
  return element;
}

/** @throws Error when index.html has no such element with this id */
export function requireElement<Element extends HTMLElement>(id: string, kind: new () => Element): Element {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`index.html has no ${kind.name} #${id}`);
  return element;
}

/** Writes only a changed text: writing the same text again would disturb a live region or the user's selection. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** The text with a place for a line break before each slash. */
export function breakBeforeSlashes(text: string): Node[] {
  return text.split(/(?=\/)/).flatMap((part) => [el('wbr'), document.createTextNode(part)]);
}
