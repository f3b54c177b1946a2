/** Formats whose signature may follow other bytes: tags, padding, the headers of a mail or a printer. */
import { decodeText } from './decode.ts';

/** Acrobat looks for the header within the first 1,024 bytes (PDF Reference 1.7, implementation note 13). */
const headerWithin = 1024;

/**
 * Whether a header such as `%PDF-` is within the first 1,024 bytes, after bytes that no browser treats as a page or a
 * script.
 */
export function hasHeaderBehindJunk(head: Uint8Array, header: string): boolean {
  const text = latin1(head.subarray(0, headerWithin + header.length));
  const at = text.indexOf(header);
  return at !== -1 && isHarmlessJunk(text.slice(0, at));
}

/** A tag would make the file a page. A call, an assignment or the start of a comment could make it a script. */
function isHarmlessJunk(junk: string): boolean {
  if (/<[a-z!?/]/i.test(junk)) return false;
  // A NUL or an escape is a syntax error in a script, and so is a header such as `Content-Type:`.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern matches control characters
  const neverScript = /[\u0000-\u0008\u000e-\u001f]/.test(junk) || /^[a-z]+-[a-z-]+:/im.test(junk);
  if (/\/\*|`/.test(junk)) return false;
  return neverScript || !/[=(]|\/\//.test(junk);
}

/**
 * Where the ID3v2 tag at the beginning ends (https://id3.org/id3v2.4.0-structure section 3.1); 0 when there is none.
 */
export function endOfId3(head: Uint8Array): number {
  if (latin1(head.subarray(0, 3)) !== 'ID3' || head.length < 10) return 0;
  const [, , , major = 0, , flags = 0, a = 0, b = 0, c = 0, d = 0] = head;
  if (major > 9 || (a | b | c | d) & 0x80) return 0;
  return 10 + ((a << 21) | (b << 14) | (c << 7) | d) + (flags & 0x10 ? 10 : 0);
}

/** Removes the zeros that encoders write as padding (LAME 3.90 wrote a frame of them). */
export function withoutLeadingZeros(head: Uint8Array): Uint8Array {
  const first = head.findIndex((byte) => byte !== 0);
  return first === -1 ? head.subarray(head.length) : head.subarray(first);
}

/** kbit/s by index, ISO/IEC 11172-3 table 3 and 13818-3: MPEG-1 layers I, II, III, then MPEG-2 and 2.5. */
const bitrates = {
  1: [
    [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  ],
  2: [
    [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
  ],
} as const;
const sampleRates = [44_100, 48_000, 32_000] as const;

/** @returns the bytes of the MPEG audio or ADTS (AAC) frame at `at`; 0 when there is no frame */
function readFrameLength(bytes: Uint8Array, at: number): number {
  const [b0 = 0, b1 = 0, b2 = 0, b3 = 0, b4 = 0, b5 = 0] = bytes.subarray(at, at + 6);
  if (b0 !== 0xff || (b1 & 0xe0) !== 0xe0) return 0;
  const layer = 4 - ((b1 >> 1) & 3);
  // ISO/IEC 13818-7 section 6.2: the layer of ADTS is 0.
  if (layer === 4) return (b1 & 0xf0) === 0xf0 ? ((b3 & 3) << 11) | (b4 << 3) | (b5 >> 5) : 0;
  const version = (b1 >> 3) & 3;
  const rate = sampleRates[((b2 >> 2) & 3) as 0 | 1 | 2];
  if (version === 1 || rate === undefined) return 0;
  const kbits = bitrates[version === 3 ? 1 : 2][(layer - 1) as 0 | 1 | 2][(b2 >> 4) - 1];
  if (kbits === undefined) return 0;
  const hertz = version === 3 ? rate : version === 2 ? rate / 2 : rate / 4;
  const padding = (b2 >> 1) & 1;
  if (layer === 1) return (Math.floor((12_000 * kbits) / hertz) + padding) * 4;
  return Math.floor(((layer === 3 && version !== 3 ? 72_000 : 144_000) * kbits) / hertz) + padding;
}

/** This many consecutive frames do not occur by chance. */
const minFrames = 3;

/** Whether these bytes contain consecutive audio frames, at the start or after bytes that are not text. */
export function hasAudioFrames(bytes: Uint8Array): boolean {
  for (let at = bytes.indexOf(0xff); at !== -1; at = bytes.indexOf(0xff, at + 1)) {
    let next = at;
    let frames = 0;
    while (frames < minFrames && next + 4 <= bytes.length) {
      const length = readFrameLength(bytes, next);
      // A frame cannot be shorter than its header.
      if (length < 7) break;
      frames++;
      next += length;
    }
    // The last frame may be cut off. A single frame can be chance.
    if (frames >= minFrames || (frames === 2 && next >= bytes.length))
      return at < 16 || decodeText(bytes.subarray(0, at)) === null;
  }
  return false;
}

/**
 * The sizes of the packets of MPEG transport streams: 188 bytes, 192 with a time stamp, or 204 with a checksum. A
 * recording can start inside a packet.
 */
const packetSizes = [188, 192, 204] as const;
const minPackets = 4;

export function hasTransportPackets(bytes: Uint8Array): boolean {
  return packetSizes.some((size) => {
    for (let start = 0; start < size && start + (minPackets - 1) * size < bytes.length; start++) {
      let at = start;
      while (at < bytes.length && bytes[at] === 0x47) at += size;
      if (at >= bytes.length) return true;
    }
    return false;
  });
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
