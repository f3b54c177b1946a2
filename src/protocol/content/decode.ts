/** Decodes bytes as text when they are text. */

export interface DecodedText {
  text: string;
  /** `legacy`: neither UTF-8 nor UTF-16, but without control characters, as in Windows-1252 or Shift_JIS. */
  encoding: 'utf-8' | 'utf-16' | 'legacy';
  /** Has no control characters except tabs, line breaks, page breaks and escape. No binary format begins like this. */
  clean: boolean;
}

/**
 * Bytes that text never has: the binary data bytes of https://mimesniff.spec.whatwg.org/#binary-data-byte, except those
 * in old text files: vertical tabs (Word), Ctrl-Z at the end (DOS), the ASCII separators.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern matches control characters
const binary = /[\u0000-\u0008\u000e-\u0019]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern matches control characters
const rare = /[\u000b\u001a\u001c-\u001f]/;
const unassigned = /\p{Cn}|\p{Co}|\p{Cs}/u;

/**
 * Decodes bytes that may end in the middle of a character.
 *
 * @returns null when the bytes are not text
 * @example decodeText(new TextEncoder().encode('id,name'))?.encoding // 'utf-8'
 */
export function decodeText(bytes: Uint8Array): DecodedText | null {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return decodeUtf16(bytes, 'utf-16le');
  if (first === 0xfe && second === 0xff) return decodeUtf16(bytes, 'utf-16be');
  if (bytes.includes(0)) return decodeUtf16WithoutBom(bytes);
  const unicode = decodeStrictly(bytes, 'utf-8');
  if (unicode !== null) return toDecodedText(unicode, 'utf-8');
  return toDecodedText(new TextDecoder('windows-1252').decode(bytes), 'legacy');
}

function toDecodedText(text: string, encoding: DecodedText['encoding']): DecodedText | null {
  return binary.test(text) ? null : { text, encoding, clean: !rare.test(text) };
}

function decodeStrictly(bytes: Uint8Array, label: string): string | null {
  try {
    // With `stream`, a character that is cut off at the end is no error.
    return new TextDecoder(label, { fatal: true }).decode(bytes, { stream: true });
  } catch {
    return null;
  }
}

function decodeUtf16(bytes: Uint8Array, label: 'utf-16le' | 'utf-16be'): DecodedText | null {
  const text = decodeStrictly(bytes, label);
  return text === null ? null : toDecodedText(text, 'utf-16');
}

/** Windows programs also write UTF-16 without a byte order mark. In mostly ASCII text every second byte is 0. */
function decodeUtf16WithoutBom(bytes: Uint8Array): DecodedText | null {
  let zerosAtEven = 0;
  let zerosAtOdd = 0;
  for (let at = 0; at < bytes.length; at++)
    if (bytes[at] === 0) {
      if (at % 2 === 0) zerosAtEven++;
      else zerosAtOdd++;
    }
  if (Math.max(zerosAtEven, zerosAtOdd) * 4 < bytes.length) return null;
  const decoded = decodeUtf16(bytes, zerosAtOdd > zerosAtEven ? 'utf-16le' : 'utf-16be');
  return decoded && !unassigned.test(decoded.text) ? decoded : null;
}
