/** Reads what an image is from its first bytes, without decoding it. */

export interface ImageFacts {
  /** MIME type by content, regardless of the type that the file declares. */
  contentType: string;
  /** Pixels as shown, after the orientation. Undefined where only decoding tells. */
  width?: number;
  height?: number;
  /** Whether the pixels are stored as they are shown. When false or unknown, they have to be turned. */
  isUpright: boolean;
  isAnimated: boolean;
}

type Bytes = Uint8Array<ArrayBuffer>;

/** Cameras write up to some hundred kilobytes of metadata and previews before the image. */
const headBytes = 1024 * 1024;

/** Null for a file that is none of the known kinds of images. @throws when the file cannot be read */
export async function readImageFacts(file: Blob): Promise<ImageFacts | null> {
  const head = new Uint8Array(await file.slice(0, headBytes).arrayBuffer());
  const view = new DataView(head.buffer);
  const text = (at: number, length: number) => String.fromCharCode(...head.subarray(at, at + length));
  try {
    if (head[0] === 0xff && head[1] === 0xd8 && head[2] === 0xff) return jpegFacts(view, text);
    if (text(0, 8) === '\x89PNG\r\n\x1a\n') return pngFacts(view, text);
    if (text(0, 4) === 'RIFF' && text(8, 4) === 'WEBP') return webpFacts(head, view, text);
    if (/^GIF8[79]a/.test(text(0, 6))) return await gifFacts(file, view);
    if (text(4, 4) === 'ftyp') return heifFacts(text(8, Math.min(view.getUint32(0), 256) - 8));
    if (text(0, 2) === 'BM') return { contentType: 'image/bmp', isUpright: false, isAnimated: false };
    if (/^(II\*\0|MM\0\*)/.test(text(0, 4))) return { contentType: 'image/tiff', isUpright: false, isAnimated: false };
  } catch (error) {
    // The head is shorter than its own lengths say. Decoding decides whether it is an image.
    if (!(error instanceof RangeError)) throw error;
    return { contentType: file.type, isUpright: false, isAnimated: false };
  }
  return null;
}

type ReadText = (at: number, length: number) => string;

function jpegFacts(view: DataView, text: ReadText): ImageFacts {
  const facts: ImageFacts = { contentType: 'image/jpeg', isUpright: true, isAnimated: false };
  for (let at = 2; at + 9 < view.byteLength; ) {
    const marker = view.getUint8(at + 1);
    if (view.getUint8(at) !== 0xff) break;
    if (marker === 0xff) {
      at++;
      continue;
    }
    if (marker === 0xe1 && text(at + 4, 6) === 'Exif\0\0') facts.isUpright &&= isUprightExif(view, at + 10);
    // Every start of a frame has the size, and no other segment between 0xc0 and 0xcf does.
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker))
      return { ...facts, height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    at += 2 + view.getUint16(at + 2);
  }
  return { ...facts, isUpright: false };
}

/** @param at where the TIFF header begins. https://www.cipa.jp/std/documents/e/DC-008-2012_E.pdf, section 4.6.4 */
function isUprightExif(view: DataView, at: number): boolean {
  const orientationTag = 0x0112;
  const isLittleEndian = view.getUint16(at) === 0x4949;
  const directory = at + view.getUint32(at + 4, isLittleEndian);
  const count = view.getUint16(directory, isLittleEndian);
  for (let n = 0; n < count; n++) {
    const entry = directory + 2 + n * 12;
    if (view.getUint16(entry, isLittleEndian) === orientationTag) return view.getUint16(entry + 8, isLittleEndian) <= 1;
  }
  return true;
}

function pngFacts(view: DataView, text: ReadText): ImageFacts {
  const facts = {
    contentType: 'image/png',
    width: view.getUint32(16),
    height: view.getUint32(20),
    isUpright: true,
    isAnimated: false,
  };
  for (let at = 8; at + 8 <= view.byteLength; at += 12 + view.getUint32(at)) {
    const type = text(at + 4, 4);
    if (type === 'acTL') facts.isAnimated = true;
    if (type === 'eXIf') facts.isUpright = isUprightExif(view, at + 8);
    if (type === 'IEND') break;
  }
  return facts;
}

function webpFacts(head: Bytes, view: DataView, text: ReadText): ImageFacts {
  const facts: ImageFacts = { contentType: 'image/webp', isUpright: true, isAnimated: false };
  const kind = text(12, 4);
  if (kind === 'VP8X') {
    const flags = head[20] as number;
    const read24 = (at: number) => view.getUint16(at, true) + (view.getUint8(at + 2) << 16) + 1;
    // Where EXIF is, is only known at the end of the file. Then the image is decoded.
    return {
      ...facts,
      width: read24(24),
      height: read24(27),
      isAnimated: !!(flags & 0x02),
      isUpright: !(flags & 0x08),
    };
  }
  if (kind === 'VP8 ')
    return { ...facts, width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
  const bits = view.getUint32(21, true);
  return { ...facts, width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1 };
}

/** A GIF is animated when it has a second image, which may be anywhere in the file. */
async function gifFacts(file: Blob, head: DataView): Promise<ImageFacts> {
  const facts = {
    contentType: 'image/gif',
    width: head.getUint16(6, true),
    height: head.getUint16(8, true),
    isUpright: true,
  };
  const view = new DataView(await file.arrayBuffer());
  const colours = (flags: number) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
  let at = 13 + colours(view.getUint8(10));
  let images = 0;
  try {
    for (let kind = view.getUint8(at); kind !== 0x3b && images < 2; kind = view.getUint8(at)) {
      if (kind === 0x2c) {
        images++;
        at += 11 + colours(view.getUint8(at + 9));
      } else at += 2;
      for (let size = view.getUint8(at); size; size = view.getUint8(at)) at += size + 1;
      at++;
    }
  } catch {
    // Browsers show a GIF that is cut off.
  }
  return { ...facts, isAnimated: images > 1 };
}

/** @param brands of the file type box. https://www.iso.org/standard/83650.html */
function heifFacts(brands: string): ImageFacts | null {
  const isAvif = /avi[fs]/.test(brands);
  if (!isAvif && !/hei[cxms]|hev[cx]|mif1|msf1/.test(brands)) return null;
  return {
    contentType: isAvif ? 'image/avif' : 'image/heic',
    isUpright: false,
    // A sequence of HEIC pictures is shown as its first one.
    isAnimated: brands.startsWith('avis'),
  };
}
