/** Writes XML as S3 does: elements and text, without attributes except the namespace. */

export type XmlValue = string | number | boolean | XmlNode | readonly XmlItem[];
/** An array repeats the element, and undefined omits it. */
export type XmlItem = XmlNode | string;
export interface XmlNode {
  readonly [element: string]: XmlValue | undefined;
}

const namespace = ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';

export function xmlDocument(root: string, content: XmlNode, options: { namespace?: boolean } = {}): string {
  const attributes = options.namespace === false ? '' : namespace;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root}${attributes}>${renderChildren(content)}</${root}>`;
}

function renderChildren(node: XmlNode): string {
  let out = '';
  for (const name of Object.keys(node)) out += render(name, node[name]);
  return out;
}

function render(name: string, value: XmlValue | undefined): string {
  if (value === undefined) return '';
  if (Array.isArray(value)) return value.map((item: XmlItem) => render(name, item)).join('');
  if (typeof value === 'object') {
    // A Grantee is the only element with an attribute, which is its type.
    const { '@': attributes, ...children } = value as XmlNode;
    const opening = attributes === undefined ? name : `${name} ${String(attributes)}`;
    return `<${opening}>${renderChildren(children)}</${name}>`;
  }
  const text = escapeXml(String(value));
  return text === '' ? `<${name}/>` : `<${name}>${text}</${name}>`;
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** S3 writes control characters as character references, although XML 1.0 does not allow them. */
export function escapeXml(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: keys may hold them, and XML may not
    /[&<>"\u0000-\u0008\u000b-\u001f\u007f\ufffe\uffff]/g,
    (char) => entities[char] ?? `&#x${char.charCodeAt(0).toString(16)};`,
  );
}
