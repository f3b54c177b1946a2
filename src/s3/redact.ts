/**
 * The one place that knows what a secret looks like in a text. Texts come from users as well, so the work is linear: a text
 * is cut first, and no pattern below can start again inside of what it has looked at.
 */

const mark = '[redacted]';
const cutMark = '[cut]';

/** Characters. Enough for the stack of an error; a message of a client may have a quarter of a million. */
const maxCharacters = 8192;

type Replacement = string | ((match: string) => string);

const secrets: readonly (readonly [pattern: RegExp, replacement: Replacement])[] = [
  // A user and password before the host, and the query. The match ends where the URL does, also without a query: a pattern
  // that looks for a "?" would search the rest of the text for it at every "http://".
  [/https?:\/\/[^\s"'<>]*/gi, redactUrl],
  // Parameters and fields of a signature.
  [/(x-amz-(?:signature|credential|security-token)["']?\s{0,8}[=:]\s{0,8}["']?)[^\s&"',;<>]+/gi, `$1${mark}`],
  [/((?:Credential|Signature)=)[^\s&,;"'<>]+/g, `$1${mark}`],
  [/((?:authorization|cookie|set-cookie)["']?\s{0,8}[=:]\s{0,8}["']?)[^\r\n"'<>]+/gi, `$1${mark}`],
  [
    /((?:secretAccessKey|sessionToken|aws_secret_access_key|aws_session_token)["']?\s{0,8}[=:]\s{0,8}["']?)[^\s&"',;<>]+/gi,
    `$1${mark}`,
  ],
  // Signatures, grants, receipts, tokens: nothing else that we write has so long a run of such characters.
  [/(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{64,}/g, mark],
];

/**
 * For every text that leaves the process: messages, logs, metrics. A text of more than `max` characters is cut, together
 * with the word in which the cut falls: half a signature is a secret too.
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

/** At most so many characters, and whole words only. */
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
  // One URL may stand in the path of another. The host begins after the last "@".
  const clean = address.replace(
    /:\/\/[^/#@]*@[^/#]*/g,
    (authority) => `://${mark}${authority.slice(authority.lastIndexOf('@'))}`,
  );
  return question === -1 ? clean : `${clean}?${mark}`;
}
