/** Checks files of text formats, which have no signature: that they are text, and not another kind of text. */
import { type Format, formatOf } from '../formats/index.ts';
import { decodeText } from './decode.ts';

/** Whether files of this type are text. For a type that is not in the table its name decides. */
export function isTextType(type: string): boolean {
  const format = formatOf(type);
  if (format) return format.text !== false;
  return type.startsWith('text/') || type.endsWith('+json') || type.endsWith('+xml');
}

/** Tags that begin a document. */
const documentTags = '<!doctype|<html|<head|<script|<iframe|<style|<title|<body|<\\?xml|<svg|<math|<meta|<object';
/**
 * With the tags above, those of https://mimesniff.spec.whatwg.org/#identifying-a-resource-with-an-unknown-mime-type, of
 * SVG and of XHTML.
 */
const otherTags = '<h1|<div|<font|<table|<a|<b|<br|<p|<!--|<embed|<link|<img';
const markupStart = new RegExp(`^(?:${documentTags}|${otherTags})(?=[\\s>/-]|$)`, 'i');
/** Markdown may begin with a tag, but not with the start of a document. */
const documentStart = new RegExp(`^(?:${documentTags})(?=[\\s>/]|$)`, 'i');

const runnable = 'markup that a browser would run';

/** @returns null when the first bytes are text of this type, else what they look like */
export function textMismatch(declared: string, detected: string | null, head: Uint8Array): string | null {
  const decoded = decodeText(head);
  const format = formatOf(declared);
  if (decoded === null) return format?.text === 'or-binary' && detected === null ? null : (detected ?? 'binary data');
  if (detected !== null && !isTextType(detected)) return detected;
  const type = format?.type ?? declared;
  const { text } = decoded;
  const start = text.trimStart();
  if (type === 'text/html' || type === 'application/xhtml+xml') return null;
  if (type === 'image/svg+xml') return isSvg(text) ? null : 'something other than SVG';
  if (isXml(type) || format?.of === 'application/xml')
    return start.startsWith('<') && !/^<(!doctype\s+html|html|script)\b/i.test(start)
      ? null
      : 'something other than XML';
  if (/json$/.test(type) && !/^(?:[[{"tfn0-9/-]|$)/.test(start)) return 'something other than JSON';
  if (type === 'text/markdown') return documentStart.test(start) ? runnable : null;
  if (format?.text === 'markup') return null;
  return markupStart.test(start) ? runnable : null;
}

function isXml(type: string): boolean {
  return type === 'application/xml' || type.endsWith('+xml');
}

/**
 * Whether the root element is `svg`, with or without a namespace prefix, after declarations, comments and a document
 * type. A prologue that is longer than the bytes passes too: SVG is never displayed in the origin of the app.
 */
export function isSvg(text: string): boolean {
  let at = 0;
  let hasPrologue = false;
  for (;;) {
    while (/\s|\ufeff/.test(text.charAt(at))) at++;
    if (at >= text.length) return hasPrologue;
    const end = endOfPrologue(text, at);
    if (end === null) return /^<(?:[\w.-]+:)?svg(?=[\s>/])/.test(text.slice(at, at + 100));
    if (end === -1) return true;
    at = end;
    hasPrologue = true;
  }
}

/**
 * @returns where the declaration, comment or document type at `at` ends; -1 when it is cut off, null when there is none
 */
function endOfPrologue(text: string, at: number): number | null {
  if (text.startsWith('<?', at)) return endOf(text, '?>', at);
  if (text.startsWith('<!--', at)) return endOf(text, '-->', at + 4);
  if (!/^<!doctype\s+(?:[\w.-]+:)?svg[\s>[]/i.test(text.slice(at, at + 100))) return null;
  const subset = text.indexOf('[', at);
  const close = text.indexOf('>', at);
  if (subset === -1 || (close !== -1 && close < subset)) return close === -1 ? -1 : close + 1;
  const subsetEnd = endOf(text, ']', subset);
  return subsetEnd === -1 ? -1 : endOf(text, '>', subsetEnd);
}

function endOf(text: string, what: string, from: number): number {
  const found = text.indexOf(what, from);
  return found === -1 ? -1 : found + what.length;
}

/** Whether the bytes are text, so that a signature of printable letters matched by chance. */
export function isDisprovedByText(detected: Format, declaredText: boolean, head: Uint8Array): boolean {
  if (detected.text !== false) return false;
  const decoded = decodeText(head);
  if (!decoded?.clean) return false;
  // A PDF can begin without control characters. When text was declared, only bytes that are no Unicode identify it.
  return !detected.readable || (declaredText && decoded.encoding !== 'legacy');
}
