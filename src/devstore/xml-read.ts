/**
 * Parses the small XML documents of S3 requests: elements and text. Document types (and with them entity bombs) and
 * mixed content are refused as MalformedXML, like every document that is not well formed.
 */
import { StoreError } from './errors.ts';

export interface XmlElement {
  readonly name: string;
  readonly children: readonly XmlElement[];
  /** White space is kept, because a key may begin with it. Empty for an element with children. */
  readonly text: string;
}

interface OpenElement {
  name: string;
  children: XmlElement[];
  text: string;
}

const maxDepth = 16;
/** The name of a tag and its rest. The pattern can split them in one way only, so it takes linear time. */
const tag = /^(\/?)([^\s/><!?]+)(|[\s/][^<>]*)$/;
const attributes = /^(\s+[^\s=/]+\s*=\s*("[^"]*"|'[^']*'))*\s*$/;

/** @throws StoreError MalformedXML */
export function readXml(source: string | Buffer): XmlElement {
  const xml = (typeof source === 'string' ? source : decode(source)).replace(/^\ufeff/, '');
  const top: OpenElement = { name: '', children: [], text: '' };
  const open: OpenElement[] = [top];
  // Each step continues after the text that it has scanned, so the time is linear in the length.
  for (let at = 0; at < xml.length; ) {
    const current = open.at(-1) as OpenElement;
    if (xml.charCodeAt(at) !== lessThan) {
      const end = findEnd(xml, '<', at, xml.length);
      current.text += unescapeXml(xml.slice(at, end));
      at = end;
    } else if (xml.startsWith('<?', at)) at = findEnd(xml, '?>', at + 2) + 2;
    else if (xml.startsWith('<!--', at)) at = findEnd(xml, '-->', at + 4) + 3;
    else if (xml.startsWith('<![CDATA[', at)) {
      const end = findEnd(xml, ']]>', at + 9);
      current.text += xml.slice(at + 9, end);
      at = end + 3;
    } else {
      const end = findEnd(xml, '>', at + 1);
      readTag(open, xml.slice(at + 1, end));
      at = end + 1;
    }
  }
  const [root, ...more] = top.children;
  if (open.length !== 1 || !root || more.length > 0 || top.text.trim() !== '') throw malformed();
  return root;
}

const lessThan = 0x3c;

/** Returns the position of `mark`, or else `none`. @throws StoreError MalformedXML without either */
function findEnd(xml: string, mark: string, from: number, none?: number): number {
  const end = xml.indexOf(mark, from);
  if (end !== -1) return end;
  if (none === undefined) throw malformed();
  return none;
}

/** @param inside the text between `<` and `>` */
function readTag(open: OpenElement[], inside: string): void {
  const selfClosing = inside.endsWith('/');
  const [, slash, rawName = '', rest = ''] = tag.exec(selfClosing ? inside.slice(0, -1) : inside) ?? [];
  if (rawName === '') throw malformed();
  const name = rawName.slice(rawName.indexOf(':') + 1);
  const current = open.at(-1) as OpenElement;
  if (slash) {
    if (open.length < 2 || current.name !== name || rest.trim() !== '' || selfClosing) throw malformed();
    open.pop();
    close(open.at(-1) as OpenElement, current);
    return;
  }
  if (!attributes.test(rest) || open.length > maxDepth) throw malformed();
  const element: OpenElement = { name, children: [], text: '' };
  if (selfClosing) close(current, element);
  else open.push(element);
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

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&([^;]{0,12});?/g, (whole, body: string) => {
    if (!whole.endsWith(';')) throw malformed();
    if (Object.hasOwn(entities, body)) return entities[body] as string;
    const code = /^#(?:x([0-9a-fA-F]+)|(\d+))$/.exec(body);
    const point = code ? Number.parseInt(code[1] ?? code[2] ?? '', code[1] ? 16 : 10) : Number.NaN;
    if (!(point >= 0 && point <= 0x10ffff) || (point >= 0xd800 && point <= 0xdfff)) throw malformed();
    return String.fromCodePoint(point);
  });
}

export function getChildren(element: XmlElement, name: string): XmlElement[] {
  return element.children.filter((child) => child.name === name);
}

/** Returns undefined when the child is absent. @throws StoreError MalformedXML when it is repeated */
export function getChildText(element: XmlElement, name: string): string | undefined {
  const found = getChildren(element, name);
  if (found.length > 1 || (found[0]?.children.length ?? 0) > 0) throw malformed();
  return found[0]?.text;
}

/** @throws StoreError MalformedXML when the element has another name or other children */
export function checkElement(element: XmlElement, name: string, children: readonly string[]): XmlElement {
  if (element.name !== name || element.children.some((child) => !children.includes(child.name))) throw malformed();
  return element;
}

export function malformed(): StoreError {
  return new StoreError('MalformedXML');
}
