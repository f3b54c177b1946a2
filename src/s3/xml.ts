/** S3's XML, read with a parser that is loaded when the first answer needs it: a cold start does not. */

import { loadOnce } from './load-once.ts';

export type XmlElement = Readonly<Record<string, unknown>>;

/** Elements that repeat; a single one must not look different. */
const lists: ReadonlySet<string> = new Set([
  'ListBucketResult.Contents',
  'DeleteResult.Error',
  'DeleteResult.Deleted',
  'ListMultipartUploadsResult.Upload',
]);

/** Values stay text, spaces included: a key such as ` 007` is no number. */
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
    isArray: (_name, path) => lists.has(String(path)),
  });
});

/** Letters. What is longer is a list. */
const longestFlat = 4096;
const frame = /^\s*(?:<\?xml[^>]*\?>\s*)?<([A-Za-z]+)(?:\s[^<>]*)?(?:\/>|>([\s\S]*)<\/\1\s*>)\s*$/;
const child = /\s*<([A-Za-z][A-Za-z0-9]*)>([^<&]*)<\/\1>\s*/y;
const quotes = /&(?:quot|#34);/g;

/**
 * A root with a text or two below it, as S3 answers a copy, a completion, a delete, a refusal: the general parser takes
 * twenty times as long, and each file has such an answer. Null for whatever is anything more than that (attributes
 * below the root, nested or repeated elements, other escapes than a quote), which is for that parser to read.
 */
export function parseFlat(text: string): XmlElement | null {
  const [, root, inner = ''] = text.length > longestFlat ? [] : (frame.exec(text) ?? []);
  if (root === undefined) return null;
  const content = inner.replace(quotes, '"');
  const children: Record<string, string> = {};
  child.lastIndex = 0;
  while (child.lastIndex < content.length) {
    const [, name, value] = child.exec(content) ?? [];
    if (name === undefined || value === undefined || Object.hasOwn(children, name)) return null;
    if (lists.has(`${root}.${name}`)) return null;
    children[name] = value;
  }
  return { [root]: children };
}

/** The root's name, without parsing. Leading spaces are how S3 keeps a connection alive during a long copy. */
export function rootOf(text: string): string | undefined {
  return /^\s*(?:<\?xml[^>]*\?>\s*)?<([A-Za-z]+)[\s/>]/.exec(text)?.[1];
}

/** Whether the root ends, without parsing. */
export function isWhole(text: string, root: string): boolean {
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

/** Undefined when the element is absent, empty text when it is empty. */
export function childText(parent: XmlElement, name: string): string | undefined {
  const child = Object.hasOwn(parent, name) ? parent[name] : undefined;
  return typeof child === 'string' ? child : undefined;
}

/** Can XML 1.0 say this at all? https://www.w3.org/TR/xml/#charsets */
export function isXmlText(text: string): boolean {
  return !/[\p{Cs}\uFFFE\uFFFF]|[^\P{Cc}\t\n\r\u007f-\u009f]/u.test(text);
}

export function escapeXml(text: string): string {
  return text.replace(/[&<>"'\t\n\r]/g, (char) => `&#${char.charCodeAt(0)};`);
}

function isElement(value: unknown): value is XmlElement {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
