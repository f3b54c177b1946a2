/** Whether some bytes are text, and which. */

export interface DecodedText {
  text: string;
  /** `legacy`: neither UTF-8 nor UTF-16, but no byte of it is a control character, as in Windows-1252 or Shift_JIS. */
  encoding: 'utf-8' | 'utf-16' | 'legacy';
  /** No control character but tabs, line and page breaks, and escape. Binary formats cannot begin like this. */
  clean: boolean;
}

/**
 * Not in text: the binary data bytes of https://mimesniff.spec.whatwg.org/#binary-data-byte, without those that old
 * text files do have: vertical tabs (Word), Ctrl-Z at their end (DOS), the ASCII separators.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const binary = /[\u0000-\u0008\u000e-\u0019]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const rare = /[\u000b\u001a\u001c-\u001f]/;
const notInText = /\p{Cn}|\p{Co}|\p{Cs}/u;

/**
 * Null when the bytes are not text. They may end in the middle of a character.
 *
 * @example decodeText(new TextEncoder().encode('id,name'))?.encoding // 'utf-8'
 */
export function decodeText(bytes: Uint8Array): DecodedText | null {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return utf16(bytes, 'utf-16le');
  if (first === 0xfe && second === 0xff) return utf16(bytes, 'utf-16be');
  if (bytes.includes(0)) return utf16WithoutBom(bytes);
  const unicode = decodeStrictly(bytes, 'utf-8');
  if (unicode !== null) return result(unicode, 'utf-8');
  return result(new TextDecoder('windows-1252').decode(bytes), 'legacy');
}

function result(text: string, encoding: DecodedText['encoding']): DecodedText | null {
  return binary.test(text) ? null : { text, encoding, clean: !rare.test(text) };
}

function decodeStrictly(bytes: Uint8Array, label: string): string | null {
  try {
    // As a stream: what is cut off at the end is no error.
    return new TextDecoder(label, { fatal: true }).decode(bytes, { stream: true });
  } catch {
    return null;
  }
}

function utf16(bytes: Uint8Array, label: 'utf-16le' | 'utf-16be'): DecodedText | null {
  const text = decodeStrictly(bytes, label);
  return text === null ? null : result(text, 'utf-16');
}

/** Windows programs write UTF-16 without a mark as well. It shows where most characters are ASCII: each second byte is 0. */
function utf16WithoutBom(bytes: Uint8Array): DecodedText | null {
  let zerosAtEven = 0;
  let zerosAtOdd = 0;
  for (let at = 0; at < bytes.length; at++)
    if (bytes[at] === 0) {
      if (at % 2 === 0) zerosAtEven++;
      else zerosAtOdd++;
    }
  if (Math.max(zerosAtEven, zerosAtOdd) * 4 < bytes.length) return null;
  const decoded = utf16(bytes, zerosAtOdd > zerosAtEven ? 'utf-16le' : 'utf-16be');
  return decoded && !notInText.test(decoded.text) ? decoded : null;
}
