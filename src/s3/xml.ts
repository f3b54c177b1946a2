/** Parses the XML of S3. The general parser is loaded on first use, because it would delay a cold start. */

import { loadOnce } from './load-once.ts';

export type XmlElement = Readonly<Record<string, unknown>>;

/** Elements that may repeat. They become an array also when there is only one. */
const repeatedElements: ReadonlySet<string> = new Set([
  'ListBucketResult.Contents',
  'DeleteResult.Error',
  'DeleteResult.Deleted',
  'ListMultipartUploadsResult.Upload',
]);

/** Values stay text, spaces included: a key such as ` 007` must not become a number. */
export async function parseXml(text: string): Promise<XmlElement> {
  const flat = parseFlat(text);
  if (flat) return flat;
  const parsed: unknown = (await loadParser()).parse(text);
  return isElement(parsed) ? parsed : {};
}

const loadParser = loadOnce(async (): Promise<{ parse(text: string): unknown }> => {
  const { XMLParser } = await import('fast-xml-parser');
  return new XMLParser({
    parseTagValue: false,
    trimValues: false,
    ignoreAttributes: true,
    ignoreDeclaration: true,
    htmlEntities: true,
    isArray: (_name, path) => repeatedElements.has(String(path)),
  });
});

/** In characters. A longer document is a listing, which only the general parser can read. */
const maxFlatLength = 4096;
const rootPattern = /^\s*(?:<\?xml[^>]*\?>\s*)?<([A-Za-z]+)(?:\s[^<>]*)?(?:\/>|>([\s\S]*)<\/\1\s*>)\s*$/;
const childPattern = /\s*<([A-Za-z][A-Za-z0-9]*)>([^<&]*)<\/\1>\s*/y;
const escapedQuotes = /&(?:quot|#34);/g;

/**
 * Parses a root element that contains only elements with text, such as the response to a copy, a completion or a
 * delete, or an error. The general parser takes twenty times as long. Returns null for anything else: attributes
 * below the root, nested or repeated elements, escapes other than a quote.
 */
export function parseFlat(text: string): XmlElement | null {
  const [, root, inner = ''] = text.length > maxFlatLength ? [] : (rootPattern.exec(text) ?? []);
  if (root === undefined) return null;
  const content = inner.replace(escapedQuotes, '"');
  const children: Record<string, string> = {};
  childPattern.lastIndex = 0;
  while (childPattern.lastIndex < content.length) {
    const [, name, value] = childPattern.exec(content) ?? [];
    if (name === undefined || value === undefined || Object.hasOwn(children, name)) return null;
    if (repeatedElements.has(`${root}.${name}`)) return null;
    children[name] = value;
  }
  return { [root]: children };
}

/** The name of the root element. S3 sends spaces before it to keep the connection alive during a long copy. */
export function rootName(text: string): string | undefined {
  return /^\s*(?:<\?xml[^>]*\?>\s*)?<([A-Za-z]+)[\s/>]/.exec(text)?.[1];
}

/** Whether the document contains the end of its root element. */
export function isComplete(text: string, root: string): boolean {
  return (
    /<\/([A-Za-z]+)\s*>\s*$/.exec(text.slice(-100))?.[1] === root ||
    /^(?:[^<]*<\?[^<>]*\?>)?[^<]*<[^<>]*\/>\s*$/.test(text)
  );
}

export function childElement(parent: XmlElement, name: string): XmlElement {
  const child = Object.hasOwn(parent, name) ? parent[name] : undefined;
  return isElement(child) ? child : {};
}

export function childElements(parent: XmlElement, name: string): XmlElement[] {
  const children = Object.hasOwn(parent, name) ? parent[name] : undefined;
  return Array.isArray(children) ? children.filter(isElement) : [];
}

/** Returns undefined for an absent element, and empty text for an empty one. */
export function childText(parent: XmlElement, name: string): string | undefined {
  const child = Object.hasOwn(parent, name) ? parent[name] : undefined;
  return typeof child === 'string' ? child : undefined;
}

/** Whether XML 1.0 can represent this text. https://www.w3.org/TR/xml/#charsets */
export function isXmlText(text: string): boolean {
  return !/[\p{Cs}\uFFFE\uFFFF]|[^\P{Cc}\t\n\r\u007f-\u009f]/u.test(text);
}

export function escapeXml(text: string): string {
  return text.replace(/[&<>"'\t\n\r]/g, (char) => `&#${char.charCodeAt(0)};`);
}

function isElement(value: unknown): value is XmlElement {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
