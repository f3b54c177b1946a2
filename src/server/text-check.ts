/** Types whose files have no magic bytes: what can be asked of them is that they are text, and no other text's. */
const textTypes: ReadonlySet<string> = new Set([
  'application/json',
  'application/ld+json',
  'application/x-ndjson',
  'application/ndjson',
  'application/jsonl',
  'application/json5',
  'application/yaml',
  'application/x-yaml',
  'application/toml',
  'application/sql',
  'application/graphql',
  'application/x-sh',
  'application/x-subrip',
  'application/x-tex',
  'application/javascript',
  'application/x-javascript',
  'application/ecmascript',
  'application/typescript',
  'application/xml',
  'application/xhtml+xml',
]);

export function isTextType(type: string): boolean {
  return type.startsWith('text/') || textTypes.has(type) || type.endsWith('+json') || type.endsWith('+xml');
}

/** https://mimesniff.spec.whatwg.org/#identifying-a-resource-with-an-unknown-mime-type, plus svg and xhtml's. */
const markupStart =
  /^(?:<!doctype|<html|<head|<script|<iframe|<h1|<div|<font|<table|<a|<style|<title|<b|<body|<br|<p|<!--|<\?xml|<svg|<math|<object|<embed|<link|<meta|<img)(?=[\s>/]|$|--|-)/i;
/** Markdown may begin with a tag; it may not be a document. */
const documentStart =
  /^(?:<!doctype|<html|<head|<script|<iframe|<style|<title|<body|<\?xml|<svg|<math|<meta|<object)(?=[\s>/]|$)/i;
/** Signatures of two or three letters that a sentence may begin with ("BMW ..."). In real ones control bytes follow. */
const weakMagic: ReadonlySet<string> = new Set([
  'image/bmp',
  'application/x-msdownload',
  'audio/x-musepack',
  'application/x-bzip2',
  'application/x-shockwave-flash',
  'video/x-flv',
  'audio/mpeg',
]);

/** Null when the head is text of this type, else what it looks like. */
export function textMismatch(declared: string, detected: string | null, head: Uint8Array): string | null {
  const text = decode(head);
  if (text === null) return detected ?? 'binary data';
  if (detected && !detected.startsWith('text/') && detected !== 'application/xml' && !weakMagic.has(detected))
    return detected;
  const start = text.trimStart();
  if (declared === 'text/html' || declared === 'application/xhtml+xml') return null;
  if (declared === 'image/svg+xml') return /<svg[\s>]/i.test(text) ? null : 'something other than SVG';
  if (isXml(declared))
    return start.startsWith('<') && !/^<(!doctype\s+html|html|script)\b/i.test(start)
      ? null
      : 'something other than XML';
  if (/json$/.test(declared) && !/^(?:[[{"tfn0-9-]|$)/.test(start)) return 'something other than JSON';
  const markup = declared === 'text/markdown' || declared === 'text/x-markdown' ? documentStart : markupStart;
  return markup.test(start) ? 'markup that a browser would run' : null;
}

function isXml(type: string): boolean {
  return type === 'application/xml' || type === 'text/xml' || type.endsWith('+xml');
}

/** Null when a byte cannot be in text (https://mimesniff.spec.whatwg.org/#binary-data-byte). */
function decode(head: Uint8Array): string | null {
  const wide = (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff);
  if (wide) return new TextDecoder(head[0] === 0xff ? 'utf-16le' : 'utf-16be').decode(head);
  for (const byte of head)
    if (byte < 0x09 || byte === 0x0b || (byte > 0x0d && byte < 0x1b) || (byte > 0x1b && byte < 0x20)) return null;
  return new TextDecoder().decode(head);
}
