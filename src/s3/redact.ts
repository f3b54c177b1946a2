/** The one place that knows what a secret looks like in a text. */

const mark = '[redacted]';

const secrets: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  // The query of any URL, and whoever logs in before its host.
  [/(\bhttps?:\/\/)[^\s/?#@"'<>]*@/gi, `$1${mark}@`],
  [/(\bhttps?:\/\/[^\s?#"'<>]*)\?[^\s"'<>]*/gi, `$1?${mark}`],
  // Parameters and fields of a signature, wherever they stand.
  [/(x-amz-(?:signature|credential|security-token)["']?\s*[=:]\s*["']?)[^\s&"',;<>]+/gi, `$1${mark}`],
  [/((?:Credential|Signature)=)[^\s&,;"'<>]+/g, `$1${mark}`],
  [/((?:authorization|cookie|set-cookie)["']?\s*[=:]\s*["']?)[^\r\n"'<>]+/gi, `$1${mark}`],
  [
    /((?:secretAccessKey|sessionToken|aws_secret_access_key|aws_session_token)["']?\s*[=:]\s*["']?)[^\s&"',;<>]+/gi,
    `$1${mark}`,
  ],
  // Signatures, grants, receipts, tokens: nothing else that we write has so long a run of such characters.
  [/[A-Za-z0-9_-]{64,}/g, mark],
];

/** For every text that leaves the process other than as an answer: messages, logs, metrics. */
export function redact(text: string): string {
  return secrets.reduce((clean, [pattern, replacement]) => clean.replace(pattern, replacement), text);
}
