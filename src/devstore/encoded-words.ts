/**
 * RFC 2047 encoded words in metadata. S3 decodes the value of a header, stores the text, and encodes text that is not
 * ASCII in responses. https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html. The choice of
 * encoding was observed on AWS:
 * https://github.com/localstack/localstack/blob/main/tests/aws/services/s3/test_s3.snapshot.json
 * (test_user_metadata_rfc2047_encoded).
 */
import { fromBytes, toBytes } from './keys.ts';

const encodedWord = /=\?([^?\s]+)\?([BbQq])\?([^?]*)\?=/g;

/** Decodes the encoded words of a byte string. Words that cannot be decoded stay unchanged. */
export function decodeWords(bytes: string): string {
  if (!bytes.includes('=?')) return bytes;
  // White space between two encoded words is not part of the text (RFC 2047 section 6.2).
  return bytes
    .replace(/(\?=)[ \t]+(?==\?)/g, '$1')
    .replace(encodedWord, (whole, charset: string, encoding: string, text: string) => {
      const decoded = /^b$/i.test(encoding)
        ? Buffer.from(text, 'base64')
        : Buffer.from(
            text
              .replaceAll('_', ' ')
              .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
            'latin1',
          );
      try {
        return toBytes(new TextDecoder(charset, { fatal: true }).decode(decoded));
      } catch {
        return whole;
      }
    });
}

/**
 * Encodes a byte string for a header: ASCII unchanged, control characters as base64, other text as quoted-printable.
 */
export function encodeWord(bytes: string): string {
  if (/^[\t\x20-\x7e]*$/.test(bytes)) return bytes;
  if (/[\p{C}\ufffd]/u.test(fromBytes(bytes))) return `=?UTF-8?B?${Buffer.from(bytes, 'latin1').toString('base64')}?=`;
  const quotedPrintable = bytes.replace(/[^!-<>@-^`-~]/g, (byte) =>
    byte === ' ' ? '_' : `=${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
  return `=?UTF-8?Q?${quotedPrintable}?=`;
}
