/** Photos as cameras write them: EXIF with a place and an orientation in a JPEG, metadata chunks in PNG and WebP. */
type Entry = [tag: number, type: number, count: number, value: Buffer];

const shortType = 3;
const longType = 4;
const asciiType = 2;
const rationalType = 5;

const short = (value: number) => Buffer.from([value >> 8, value & 255, 0, 0]);
const rationals = (...values: number[]) => {
  const bytes = Buffer.alloc(values.length * 8);
  values.forEach((value, index) => {
    bytes.writeUInt32BE(value, index * 8);
    bytes.writeUInt32BE(1, index * 8 + 4);
  });
  return bytes;
};

/** A TIFF directory, and the values that do not fit in it. @param at where the directory begins */
function directory(at: number, entries: Entry[]): Buffer {
  const head = Buffer.alloc(2 + entries.length * 12 + 4);
  head.writeUInt16BE(entries.length, 0);
  const values: Buffer[] = [];
  let valuesAt = at + head.length;
  entries.forEach(([tag, type, count, value], index) => {
    const entry = 2 + index * 12;
    head.writeUInt16BE(tag, entry);
    head.writeUInt16BE(type, entry + 2);
    head.writeUInt32BE(count, entry + 4);
    if (value.length <= 4) value.copy(head, entry + 8);
    else {
      head.writeUInt32BE(valuesAt, entry + 8);
      values.push(value);
      valuesAt += value.length;
    }
  });
  return Buffer.concat([head, ...values]);
}

/** EXIF with the place 48° 51' 30" N, 2° 17' 40" E. */
export function exif(orientation: number): Buffer {
  const ascii = (text: string) => Buffer.from(`${text}\0`, 'latin1');
  const make = ascii('Waybill Camera Works');
  const first = (gpsAt: number): Entry[] => [
    [0x010f, asciiType, make.length, make],
    [0x0112, shortType, 1, short(orientation)],
    [0x8825, longType, 1, Buffer.from([0, 0, gpsAt >> 8, gpsAt & 255])],
  ];
  const gpsAt = 8 + directory(8, first(0)).length;
  return Buffer.concat([
    Buffer.from('MM\0*\0\0\0\b', 'latin1'),
    directory(8, first(gpsAt)),
    directory(gpsAt, [
      [1, asciiType, 2, Buffer.from('N\0\0\0', 'latin1')],
      [2, rationalType, 3, rationals(48, 51, 30)],
      [3, asciiType, 2, Buffer.from('E\0\0\0', 'latin1')],
      [4, rationalType, 3, rationals(2, 17, 40)],
    ]),
  ]);
}

function segment(marker: number, body: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(0xff00 | marker, 0);
  head.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([head, body]);
}

/** Adds EXIF, XMP and a comment to a JPEG, and after its end a second image with the same EXIF. */
export function withJpegMetadata(jpeg: Uint8Array, orientation: number): Buffer {
  const metadata = [
    segment(0xe1, Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), exif(orientation)])),
    segment(0xe1, Buffer.from('http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>a secret place</x:xmpmeta>', 'latin1')),
    segment(0xfe, Buffer.from('a secret comment', 'latin1')),
  ];
  const one = Buffer.concat([jpeg.subarray(0, 2), ...metadata, jpeg.subarray(2)]);
  return Buffer.concat([one, one]);
}

/** Adds a text chunk and EXIF to a PNG, after its header. */
export function withPngMetadata(png: Uint8Array, orientation: number): Buffer {
  const chunk = (type: string, body: Buffer) => {
    const typed = Buffer.concat([Buffer.from(type, 'latin1'), body]);
    const bytes = Buffer.alloc(typed.length + 8);
    bytes.writeUInt32BE(body.length, 0);
    typed.copy(bytes, 4);
    bytes.writeUInt32BE(crc32(typed), typed.length + 4);
    return bytes;
  };
  const headerEnd = 8 + 25;
  return Buffer.concat([
    png.subarray(0, headerEnd),
    chunk('tEXt', Buffer.from('Comment\0a secret comment', 'latin1')),
    chunk('eXIf', exif(orientation)),
    png.subarray(headerEnd),
  ]);
}

/** Adds EXIF to a WebP that has the extended header. */
export function withWebpMetadata(webp: Uint8Array): Buffer {
  const body = exif(1);
  const head = Buffer.from('EXIF\0\0\0\0', 'latin1');
  head.writeUInt32LE(body.length, 4);
  const bytes = Buffer.concat([webp, head, body, Buffer.alloc(body.length % 2)]);
  bytes.writeUInt32LE(bytes.length - 8, 4);
  const flagsAt = 20;
  bytes[flagsAt] = (bytes[flagsAt] as number) | 0x08;
  return bytes;
}

/** A GIF of 2 x 2 pixels with a comment. @param frames how many images it has */
export function gif(frames: number): Buffer {
  const header = Buffer.concat([Buffer.from('GIF89a', 'latin1'), Buffer.from([2, 0, 2, 0, 0x80, 0, 0])]);
  const colours = Buffer.from([255, 0, 0, 0, 0, 255]);
  const loop = Buffer.concat([Buffer.from([0x21, 0xff, 11]), Buffer.from('NETSCAPE2.0'), Buffer.from([3, 1, 0, 0, 0])]);
  const comment = Buffer.concat([Buffer.from([0x21, 0xfe, 16]), Buffer.from('a secret comment'), Buffer.from([0])]);
  const control = Buffer.from([0x21, 0xf9, 4, 0, 10, 0, 0, 0]);
  // Four pixels of the first colour, in LZW codes of three bits.
  const image = Buffer.from([0x2c, 0, 0, 0, 0, 2, 0, 2, 0, 0, 2, 3, 0x84, 0x51, 0, 0]);
  const images = Array.from({ length: frames }, () => Buffer.concat([control, image]));
  return Buffer.concat([header, colours, loop, comment, ...images, Buffer.from([0x3b])]);
}

function crc32(bytes: Buffer): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}
