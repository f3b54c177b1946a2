/**
 * Removes the metadata of an encoded image: EXIF with the place and the camera, XMP, IPTC, comments, and everything
 * that follows the end of the image. Pixels, colour profile and animation are copied unchanged. Only known blocks are
 * kept, so that a block of an unknown kind is removed.
 */
import { JobError, type StripJob } from './job.ts';

type Bytes = Uint8Array<ArrayBuffer>;

export async function stripMetadata(image: Blob, contentType: StripJob['contentType']): Promise<Blob> {
  const bytes = new Uint8Array(await image.arrayBuffer());
  try {
    return new Blob(strippers[contentType](bytes), { type: contentType });
  } catch (error) {
    if (error instanceof JobError || error instanceof RangeError)
      throw new JobError('unreadable', `The file is damaged: ${error.message}`);
    throw error;
  }
}

const strippers: Readonly<Record<StripJob['contentType'], (bytes: Bytes) => Bytes[]>> = {
  'image/jpeg': stripJpeg,
  'image/png': stripPng,
  'image/webp': stripWebp,
  'image/gif': stripGif,
};

const viewOf = (bytes: Bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function textAt(bytes: Bytes, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}

function damaged(what: string): never {
  throw new JobError('unreadable', what);
}

/** ITU-T T.81, annex B. https://www.w3.org/Graphics/JPEG/itu-t81.pdf */
function stripJpeg(bytes: Bytes): Bytes[] {
  const view = viewOf(bytes);
  const kept: Bytes[] = [bytes.subarray(0, 2)];
  let at = 2;
  for (;;) {
    if (view.getUint8(at) !== 0xff) damaged('a marker is missing');
    const marker = view.getUint8(at + 1);
    // A marker may be preceded by fill bytes.
    if (marker === 0xff) {
      at++;
      continue;
    }
    if (marker === 0xd9) break;
    const end = at + 2 + view.getUint16(at + 2);
    if (end > bytes.length) damaged('a segment is cut off');
    if (isKeptSegment(bytes, at, marker)) kept.push(bytes.subarray(at, end));
    at = end;
    // The data of a scan have no length. They end with the first marker that is not a restart marker.
    if (marker === 0xda) {
      const begin = at;
      at = findMarker(bytes, at);
      kept.push(bytes.subarray(begin, at));
    }
  }
  // What follows is another image or a video of the same moment, with metadata of its own.
  kept.push(bytes.subarray(at, at + 2));
  return kept;
}

function isKeptSegment(bytes: Bytes, at: number, marker: number): boolean {
  if (marker === 0xfe) return false;
  if (marker < 0xe0 || marker > 0xef) return true;
  // JFIF has the density, ICC_PROFILE the colours, and Adobe the colour transform.
  const name = textAt(bytes, at + 4, 11);
  return (
    (marker === 0xe0 && name.startsWith('JFIF\0')) ||
    (marker === 0xe2 && name === 'ICC_PROFILE') ||
    (marker === 0xee && name.startsWith('Adobe'))
  );
}

function findMarker(bytes: Bytes, from: number): number {
  for (let at = bytes.indexOf(0xff, from); at !== -1; at = bytes.indexOf(0xff, at + 1)) {
    const next = bytes[at + 1] ?? 0;
    if (next !== 0 && next !== 0xff && !(next >= 0xd0 && next <= 0xd7)) return at;
  }
  return damaged('the end is missing');
}

/** https://www.w3.org/TR/png-3/#11Chunks */
const pngChunks = new Set(
  'IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP cICP mDCV cLLI sBIT pHYs bKGD acTL fcTL fdAT'.split(' '),
);

function stripPng(bytes: Bytes): Bytes[] {
  const view = viewOf(bytes);
  const kept: Bytes[] = [bytes.subarray(0, 8)];
  for (let at = 8; ; ) {
    const end = at + 12 + view.getUint32(at);
    if (end > bytes.length) damaged('a chunk is cut off');
    const type = textAt(bytes, at + 4, 4);
    if (pngChunks.has(type)) kept.push(bytes.subarray(at, end));
    if (type === 'IEND') return kept;
    at = end;
  }
}

/** https://developers.google.com/speed/webp/docs/riff_container */
const webpChunks = new Set(['VP8 ', 'VP8L', 'VP8X', 'ALPH', 'ANIM', 'ANMF', 'ICCP']);
const exifAndXmpFlags = 0x08 | 0x04;

function stripWebp(bytes: Bytes): Bytes[] {
  const view = viewOf(bytes);
  // The length that the file declares. Where it has fewer bytes, reading the next chunk throws a RangeError.
  const end = 8 + view.getUint32(4, true);
  const kept: Bytes[] = [];
  for (let at = 12; at + 8 <= end; ) {
    const type = textAt(bytes, at, 4);
    const size = view.getUint32(at + 4, true);
    // Chunks have an even length.
    const next = at + 8 + size + (size % 2);
    if (at + 8 + size > bytes.length) damaged('a chunk is cut off');
    if (webpChunks.has(type)) {
      const chunk = bytes.slice(at, Math.min(next, bytes.length));
      if (type === 'VP8X') chunk[8] = (chunk[8] as number) & ~exifAndXmpFlags;
      kept.push(chunk);
    }
    at = next;
  }
  if (!kept.length) damaged('there is no image');
  const header = bytes.slice(0, 12);
  const size = kept.reduce((sum, chunk) => sum + chunk.length, 4);
  viewOf(header).setUint32(4, size, true);
  return [header, ...kept];
}

/** https://www.w3.org/Graphics/GIF/spec-gif89a.txt */
function stripGif(bytes: Bytes): Bytes[] {
  const view = viewOf(bytes);
  const colours = (flags: number) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
  let at = 13 + colours(view.getUint8(10));
  const kept: Bytes[] = [bytes.subarray(0, at)];
  const skipBlocks = (from: number) => {
    let next = from;
    for (let size = view.getUint8(next); size; size = view.getUint8(next)) next += size + 1;
    return next + 1;
  };
  for (;;) {
    const begin = at;
    const kind = view.getUint8(at);
    if (kind === 0x3b) {
      kept.push(bytes.subarray(at, at + 1));
      return kept;
    }
    if (kind === 0x2c) {
      // The descriptor, the local colours, and the least code size before the blocks.
      at = skipBlocks(at + 10 + colours(view.getUint8(at + 9)) + 1);
      kept.push(bytes.subarray(begin, at));
    } else if (kind === 0x21) {
      const label = view.getUint8(at + 1);
      at = skipBlocks(at + 2);
      // The loop count is in an application extension. Comments and XMP are removed.
      const isLoop = label === 0xff && textAt(bytes, begin + 3, 11) === 'NETSCAPE2.0';
      if (label === 0xf9 || label === 0x01 || isLoop) kept.push(bytes.subarray(begin, at));
    } else damaged('a block is of an unknown kind');
  }
}
