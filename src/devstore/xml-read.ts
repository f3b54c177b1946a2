/**
 * Reads the small XML documents that S3 requests carry: elements and text. What S3's schemas never need (document types
 * and so entity bombs, mixed content) is refused, and so is everything that is not well formed: MalformedXML.
 */
import { StoreError } from './errors.ts';

export interface XmlElement {
  readonly name: string;
  readonly children: readonly XmlElement[];
  /** Whitespace kept: a key may begin with it. Empty for elements that have children. */
  readonly text: string;
}

interface OpenElement {
  name: string;
  children: XmlElement[];
  text: string;
}

const maxDepth = 16;
const token = /<\?[\s\S]*?\?>|<!--[\s\S]*?-->|<!\[CDATA\[([\s\S]*?)\]\]>|<(\/?)([^\s/><!?]+)([^<>]*?)(\/?)>|([^<]+)/y;
const attributes = /^(\s+[^\s=/]+\s*=\s*("[^"]*"|'[^']*'))*\s*$/;

/** @throws StoreError MalformedXML */
export function readXml(source: string | Buffer): XmlElement {
  const xml = (typeof source === 'string' ? source : decode(source)).replace(/^\ufeff/, '');
  const top: OpenElement = { name: '', children: [], text: '' };
  const open: OpenElement[] = [top];
  token.lastIndex = 0;
  while (token.lastIndex < xml.length) {
    const match = token.exec(xml);
    if (!match) throw malformed();
    const [, cdata, slash, rawName, rest = '', selfClosing, text] = match;
    const current = open.at(-1) as OpenElement;
    if (cdata !== undefined) current.text += cdata;
    else if (text !== undefined) current.text += unescapeXml(text);
    else if (rawName !== undefined) {
      const name = rawName.slice(rawName.indexOf(':') + 1);
      if (slash) {
        if (open.length < 2 || current.name !== name || rest.trim() !== '' || selfClosing) throw malformed();
        open.pop();
        close(open.at(-1) as OpenElement, current);
      } else {
        if (!attributes.test(rest) || open.length > maxDepth) throw malformed();
        const element: OpenElement = { name, children: [], text: '' };
        if (selfClosing) close(current, element);
        else open.push(element);
      }
    }
  }
  const [root, ...more] = top.children;
  if (open.length !== 1 || !root || more.length > 0 || top.text.trim() !== '') throw malformed();
  return root;
}

function close(parent: OpenElement, element: OpenElement): void {
  if (element.children.length > 0) {
    if (element.text.trim() !== '') throw malformed();
    element.text = '';
  }
  parent.children.push(element);
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw malformed();
  }
}

const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&([^;]{0,12});?/g, (whole, body: string) => {
    if (!whole.endsWith(';')) throw malformed();
    if (Object.hasOwn(named, body)) return named[body] as string;
    const code = /^#(?:x([0-9a-fA-F]+)|(\d+))$/.exec(body);
    const point = code ? Number.parseInt(code[1] ?? code[2] ?? '', code[1] ? 16 : 10) : Number.NaN;
    if (!(point >= 0 && point <= 0x10ffff) || (point >= 0xd800 && point <= 0xdfff)) throw malformed();
    return String.fromCodePoint(point);
  });
}

export function childrenOf(element: XmlElement, name: string): XmlElement[] {
  return element.children.filter((child) => child.name === name);
}

/** Undefined when absent. @throws StoreError MalformedXML when it is there twice */
export function textOf(element: XmlElement, name: string): string | undefined {
  const found = childrenOf(element, name);
  if (found.length > 1 || (found[0]?.children.length ?? 0) > 0) throw malformed();
  return found[0]?.text;
}

/** @throws StoreError MalformedXML when the root is another or it has other children */
export function expectShape(element: XmlElement, name: string, children: readonly string[]): XmlElement {
  if (element.name !== name || element.children.some((child) => !children.includes(child.name))) throw malformed();
  return element;
}

export function malformed(): StoreError {
  return new StoreError('MalformedXML');
}
