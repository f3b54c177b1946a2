/**
 * Removes secrets from text. Users supply texts as well, so the work must be linear in the length: a text is cut
 * first, and no pattern below can restart inside text that it has already scanned.
 */

const mark = '[redacted]';
const cutMark = '[cut]';

/** In characters. A stack trace fits into this; a text from a client may have 250,000. */
const maxCharacters = 8192;

type Replacement = string | ((match: string) => string);

const secrets: readonly (readonly [pattern: RegExp, replacement: Replacement])[] = [
  // URLs: the user and password before the host, and the query. The pattern does not require a "?": it would search the
  // rest of the text for one at every "http://".
  [/https?:\/\/[^\s"'<>]*/gi, redactUrl],
  // Parameters and fields of a signature.
  [/(x-amz-(?:signature|credential|security-token)["']?\s{0,8}[=:]\s{0,8}["']?)[^\s&"',;<>]+/gi, `$1${mark}`],
  [/((?:Credential|Signature)=)[^\s&,;"'<>]+/g, `$1${mark}`],
  [/((?:authorization|cookie|set-cookie)["']?\s{0,8}[=:]\s{0,8}["']?)[^\r\n"'<>]+/gi, `$1${mark}`],
  [
    /((?:secretAccessKey|sessionToken|aws_secret_access_key|aws_session_token)["']?\s{0,8}[=:]\s{0,8}["']?)[^\s&"',;<>]+/gi,
    `$1${mark}`,
  ],
  // Signatures, grants, receipts, tokens: no other text that Waybill writes has such a long run of these characters.
  [/(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{64,}/g, mark],
];

/**
 * Removes signatures, grants, credentials and the queries of URLs from a text, before it is logged or sent. A text of
 * more than `max` characters is cut before the word that crosses the limit, because half a signature is a secret too.
 *
 * @param max @default 8192 characters
 *
 * @example redact('PUT https://b.example/a?X-Amz-Signature=abc failed') // 'PUT https://b.example/a?[redacted] failed'
 */
export function redact(text: string, max = maxCharacters): string {
  let clean = cutText(text, max);
  for (const [pattern, replacement] of secrets) clean = clean.replace(pattern, replacement as string);
  return clean;
}

/** Cuts a text to at most `max` characters and whole words. */
export function cutText(text: string, max: number): string {
  if (text.length <= max) return text;
  let end = max;
  while (end > 0 && !isSpace(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(0, end) + cutMark;
}

function isSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}

function redactUrl(url: string): string {
  const question = url.indexOf('?');
  const address = question === -1 ? url : url.slice(0, question);
  // A URL may contain another one in its path. The host begins after the last "@".
  const clean = address.replace(
    /:\/\/[^/#@]*@[^/#]*/g,
    (authority) => `://${mark}${authority.slice(authority.lastIndexOf('@'))}`,
  );
  return question === -1 ? clean : `${clean}?${mark}`;
}
