/** What can be asked of a file that has no magic bytes: that it is text, and no other kind of text. */
import { type Format, formatOf } from '../formats/index.ts';
import { decodeText } from './decode.ts';

/** Whether files of this type are text. Types that the table does not know are judged by their name. */
export function isTextType(type: string): boolean {
  const format = formatOf(type);
  if (format) return format.text !== false;
  return type.startsWith('text/') || type.endsWith('+json') || type.endsWith('+xml');
}

/** https://mimesniff.spec.whatwg.org/#identifying-a-resource-with-an-unknown-mime-type, with those of SVG and XHTML. */
const markupStart =
  /^(?:<!doctype|<html|<head|<script|<iframe|<h1|<div|<font|<table|<a|<style|<title|<b|<body|<br|<p|<!--|<\?xml|<svg|<math|<object|<embed|<link|<meta|<img)(?=[\s>/]|$|--|-)/i;
/** Markdown may begin with a tag; it may not be a document. */
const documentStart =
  /^(?:<!doctype|<html|<head|<script|<iframe|<style|<title|<body|<\?xml|<svg|<math|<meta|<object)(?=[\s>/]|$)/i;

const runnable = 'markup that a browser would run';

/** Null when the first bytes are text of this type, else what they look like. */
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
 * Whether the root element is `svg`, with a namespace prefix or without, behind declarations, comments and a document
 * type. A prologue that goes on beyond what was read passes: such a file is only ever saved, never shown.
 */
export function isSvg(text: string): boolean {
  let at = 0;
  let begun = false;
  for (;;) {
    while (/\s|\ufeff/.test(text.charAt(at))) at++;
    if (at >= text.length) return begun;
    const end = endOfPrologue(text, at);
    if (end === null) return /^<(?:[\w.-]+:)?svg(?=[\s>/])/.test(text.slice(at, at + 100));
    if (end === -1) return true;
    at = end;
    begun = true;
  }
}

/** Behind the declaration, comment or document type at `at`; -1 when it is cut off, null when there is none. */
function endOfPrologue(text: string, at: number): number | null {
  if (text.startsWith('<?', at)) return behind(text, '?>', at);
  if (text.startsWith('<!--', at)) return behind(text, '-->', at + 4);
  if (!/^<!doctype\s+(?:[\w.-]+:)?svg[\s>[]/i.test(text.slice(at, at + 100))) return null;
  const subset = text.indexOf('[', at);
  const close = text.indexOf('>', at);
  if (subset === -1 || (close !== -1 && close < subset)) return close === -1 ? -1 : close + 1;
  const subsetEnd = behind(text, ']', subset);
  return subsetEnd === -1 ? -1 : behind(text, '>', subsetEnd);
}

function behind(text: string, what: string, from: number): number {
  const found = text.indexOf(what, from);
  return found === -1 ? -1 : found + what.length;
}

/** Whether bytes that are text disprove a signature: printable letters that begin a sentence also begin some format. */
export function isDisprovedByText(detected: Format, declaredText: boolean, head: Uint8Array): boolean {
  if (detected.text !== false) return false;
  const decoded = decodeText(head);
  if (!decoded?.clean) return false;
  // A PDF may begin without a control character. Where text was declared, only bytes that are no Unicode tell them apart.
  return !detected.readable || (declaredText && decoded.encoding !== 'legacy');
}
