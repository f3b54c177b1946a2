import { describe, expect, it } from 'vitest';
import { contentMismatch } from './content-check.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const ascii = (text: string) => Buffer.from(text, 'latin1');
const ftyp = (brand: string) =>
  Buffer.concat([hex('00000020'), ascii(`ftyp${brand}`), hex('00000000'), ascii(brand), ascii('mp41mp42')]);
const ebml = (doctype: string) =>
  Buffer.concat([
    hex('1a45dfa3'),
    hex('9f4286810142f7810142f2810442f38108'),
    hex('4282'),
    hex(`8${doctype.length}`),
    ascii(doctype),
    hex('42878104428581021853806701000000'),
  ]);
const riff = (form: string) => Buffer.concat([ascii('RIFF'), hex('24080000'), ascii(form), Buffer.alloc(64)]);
const ogg = (codec: Buffer) =>
  Buffer.concat([
    ascii('OggS'),
    hex('0002 0000000000000000 01000000 00000000 00000000 01 1e'),
    codec,
    Buffer.alloc(40),
  ]);

/** A zip whose first entry has this name, stored. */
function zip(name: string, content = ''): Buffer {
  const head = Buffer.alloc(30);
  head.write('PK\u0003\u0004', 'latin1');
  head.writeUInt16LE(20, 4);
  head.writeUInt32LE(content.length, 18);
  head.writeUInt32LE(content.length, 22);
  head.writeUInt16LE(name.length, 26);
  return Buffer.concat([head, ascii(name), ascii(content), Buffer.alloc(60)]);
}

const heads = {
  png: hex('89504e470d0a1a0a 0000000d49484452 00000001 00000001 08060000001f15c489 0000000d49444154'),
  jpeg: hex('ffd8ffe000104a46494600010101004800480000ffdb'),
  exif: hex('ffd8ffe1 1234 457869660000 4d4d002a'),
  gif: ascii('GIF89a\u0001\u0000\u0001\u0000\u0080\u0000\u0000'),
  gifJs: ascii('GIF89a/*\u0001*/=1;alert(1)//'),
  webp: Buffer.concat([ascii('RIFF'), hex('24000000'), ascii('WEBPVP8 '), Buffer.alloc(32)]),
  avif: ftyp('avif'),
  heic: ftyp('heic'),
  mif1: ftyp('mif1'),
  tiff: Buffer.concat([hex('49492a0008000000'), Buffer.alloc(64)]),
  bmp: Buffer.concat([ascii('BM'), hex('46000000 00000000 36000000 28000000'), Buffer.alloc(40)]),
  ico: hex('00000100 0100 10100000 01002000 68040000 16000000'),
  psd: ascii('8BPS\u0000\u0001\u0000\u0000'),
  mp4: ftyp('isom'),
  m4a: ftyp('M4A '),
  mov: ftyp('qt  '),
  webm: ebml('webm'),
  mkv: ebml('matroska'),
  wav: Buffer.concat([riff('WAVE').subarray(0, 12), ascii('fmt '), Buffer.alloc(40)]),
  avi: riff('AVI '),
  opus: ogg(ascii('OpusHead')),
  vorbis: ogg(Buffer.concat([hex('01'), ascii('vorbis')])),
  flac: Buffer.concat([ascii('fLaC'), hex('00000022'), Buffer.alloc(40)]),
  mp3: Buffer.concat([hex('fffb9064'), Buffer.alloc(2000)]),
  id3: Buffer.concat([ascii('ID3'), hex('0300 00 00 7f 7f 7f'), Buffer.alloc(200)]),
  aac: Buffer.concat([hex('fff15080 0000'), Buffer.alloc(200)]),
  midi: ascii('MThd\u0000\u0000\u0000\u0006'),
  pdf: ascii('%PDF-1.7\n%\u00e2\u00e3\n'),
  zip: zip('readme.txt', 'hi'),
  docx: zip(
    '[Content_Types].xml',
    '<Types><Override ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>',
  ),
  epub: zip('mimetype', 'application/epub+zip'),
  odt: zip('mimetype', 'application/vnd.oasis.opendocument.text'),
  jar: zip('META-INF/MANIFEST.MF', 'Manifest-Version: 1.0'),
  cfb: Buffer.concat([hex('d0cf11e0a1b11ae1'), Buffer.alloc(600)]),
  gzip: hex('1f8b0800000000000003'),
  sevenZip: hex('377abcaf271c0004'),
  rar: hex('526172211a0700cf'),
  exe: Buffer.concat([hex('4d5a9000 03000000 04000000 ffff0000'), Buffer.alloc(64)]),
  elf: Buffer.concat([hex('7f454c46 02010100'), Buffer.alloc(64)]),
  wasm: hex('0061736d 01000000'),
  sqlite: Buffer.concat([ascii('SQLite format 3\0'), Buffer.alloc(100)]),
  ttf: hex('00010000 000f0080 00030070'),
  woff2: Buffer.concat([ascii('wOF2'), hex('00010000'), Buffer.alloc(64)]),
  rtf: ascii('{\\rtf1\\ansi hello}'),
  ics: ascii('BEGIN:VCALENDAR\r\nVERSION:2.0\r\n'),
  vcf: ascii('BEGIN:VCARD\r\nVERSION:3.0\r\n'),
  vtt: ascii('WEBVTT\n\n00:00.000 --> 00:01.000\nhi\n'),
  text: ascii('Just some words.\n'),
  bmw: ascii('BMW is a car, and MZ starts nothing.'),
  utf8: Buffer.from('\ufeffÄpfel, 梨\n'),
  utf16: Buffer.from('\ufeffhello', 'utf16le'),
  latin1: ascii('\u00c4pfel'),
  csv: ascii('a,b,c\n1,2,3\n'),
  json: ascii('{"a":1}'),
  html: ascii('<!DOCTYPE html><html><script>alert(1)</script>'),
  htmlLate: ascii('\n\n  <ScRiPt src=//evil>'),
  xhtml: ascii('<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>'),
  svg: ascii('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
  svgXml: ascii('<?xml version="1.0"?>\n<!-- x --><svg xmlns="http://www.w3.org/2000/svg"/>'),
  comment: ascii('<!-- <html> -->'),
  xml: ascii('<?xml version="1.0"?><feed/>'),
  js: ascii('export const a = 1;\n'),
  markdown: ascii('<h1 align="center">Title</h1>\n\nWords.'),
  zeros: Buffer.alloc(64),
  empty: Buffer.alloc(0),
} as const;

/** Declared type, head, whether they agree. */
const table: readonly (readonly [declared: string, head: keyof typeof heads, agree: boolean])[] = [
  ['image/png', 'png', true],
  ['image/x-png', 'png', true],
  ['image/apng', 'png', true],
  ['image/jpeg', 'jpeg', true],
  ['image/jpg', 'exif', true],
  ['image/gif', 'gif', true],
  ['image/gif', 'gifJs', true],
  ['image/webp', 'webp', true],
  ['image/avif', 'avif', true],
  ['image/heic', 'heic', true],
  ['image/heif', 'mif1', true],
  ['image/avif', 'mif1', true],
  ['image/tiff', 'tiff', true],
  ['image/bmp', 'bmp', true],
  ['image/x-icon', 'ico', true],
  ['image/vnd.adobe.photoshop', 'psd', true],
  ['video/mp4', 'mp4', true],
  ['video/quicktime', 'mov', true],
  ['video/quicktime', 'mp4', true],
  ['audio/mp4', 'm4a', true],
  ['audio/x-m4a', 'mp4', true],
  ['video/webm', 'webm', true],
  ['audio/webm', 'webm', true],
  ['video/x-matroska', 'mkv', true],
  ['audio/wav', 'wav', true],
  ['audio/x-wav', 'wav', true],
  ['video/x-msvideo', 'avi', true],
  ['audio/ogg', 'opus', true],
  ['audio/opus', 'opus', true],
  ['audio/ogg', 'vorbis', true],
  ['audio/flac', 'flac', true],
  ['audio/x-flac', 'flac', true],
  ['audio/mpeg', 'mp3', true],
  ['audio/mp3', 'id3', true],
  ['audio/aac', 'aac', true],
  ['audio/midi', 'midi', true],
  ['application/pdf', 'pdf', true],
  ['application/zip', 'zip', true],
  ['application/x-zip-compressed', 'docx', true],
  ['application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'docx', true],
  ['application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'zip', true],
  ['application/epub+zip', 'epub', true],
  ['application/vnd.oasis.opendocument.text', 'odt', true],
  ['application/java-archive', 'jar', true],
  ['application/msword', 'cfb', true],
  ['application/vnd.ms-excel', 'cfb', true],
  ['application/vnd.ms-excel', 'csv', true],
  ['application/gzip', 'gzip', true],
  ['application/x-7z-compressed', 'sevenZip', true],
  ['application/vnd.rar', 'rar', true],
  ['application/wasm', 'wasm', true],
  ['application/vnd.sqlite3', 'sqlite', true],
  ['font/ttf', 'ttf', true],
  ['font/woff2', 'woff2', true],
  ['text/rtf', 'rtf', true],
  ['text/calendar', 'ics', true],
  ['text/vcard', 'vcf', true],
  ['text/vtt', 'vtt', true],
  ['text/plain', 'text', true],
  ['text/plain', 'bmw', true],
  ['text/plain', 'utf8', true],
  ['text/plain', 'utf16', true],
  ['text/plain', 'latin1', true],
  ['text/plain', 'json', true],
  ['text/plain', 'empty', true],
  ['text/csv', 'csv', true],
  ['application/json', 'json', true],
  ['application/ld+json', 'json', true],
  ['text/markdown', 'markdown', true],
  ['text/javascript', 'js', true],
  ['image/svg+xml', 'svg', true],
  ['image/svg+xml', 'svgXml', true],
  ['text/html', 'html', true],
  ['application/xml', 'xml', true],
  ['application/atom+xml', 'xml', true],
  ['application/octet-stream', 'exe', true],
  ['application/octet-stream', 'empty', true],
  ['application/x-unheard-of', 'zeros', true],
  ['application/x-unheard-of', 'zip', true],

  ['image/png', 'jpeg', false],
  ['image/png', 'html', false],
  ['image/png', 'svg', false],
  ['image/png', 'js', false],
  ['image/png', 'xhtml', false],
  ['image/png', 'pdf', false],
  ['image/png', 'gifJs', false],
  ['image/png', 'exe', false],
  ['image/png', 'text', false],
  ['image/png', 'empty', false],
  ['image/jpeg', 'png', false],
  ['image/gif', 'js', false],
  ['image/heic', 'mp4', false],
  ['image/webp', 'wav', false],
  ['image/svg+xml', 'png', false],
  ['image/svg+xml', 'html', false],
  ['image/x-unheard-of', 'text', false],
  ['video/mp4', 'webm', false],
  ['video/mp4', 'text', false],
  ['audio/mpeg', 'exe', false],
  ['application/pdf', 'html', false],
  ['application/pdf', 'zip', false],
  ['application/zip', 'pdf', false],
  ['application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'jar', false],
  ['application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'exe', false],
  ['application/vnd.ms-excel', 'html', false],
  ['application/x-unheard-of', 'exe', false],
  ['application/x-unheard-of', 'elf', false],
  ['application/x-unheard-of', 'png', false],
  ['text/plain', 'html', false],
  ['text/plain', 'htmlLate', false],
  ['text/plain', 'svg', false],
  ['text/plain', 'svgXml', false],
  ['text/plain', 'xhtml', false],
  ['text/plain', 'comment', false],
  ['text/plain', 'pdf', false],
  ['text/plain', 'png', false],
  ['text/plain', 'zeros', false],
  ['text/plain', 'rtf', false],
  ['text/csv', 'htmlLate', false],
  ['text/csv', 'exe', false],
  ['text/markdown', 'html', false],
  ['text/markdown', 'svg', false],
  ['application/json', 'html', false],
  ['application/json', 'text', false],
  ['application/json', 'gzip', false],
  ['application/xml', 'text', false],
  ['application/xml', 'xhtml', true],
  ['text/calendar', 'text', true],
];

describe('declared types against first bytes', () => {
  it.each(table)('%s over a %s head: %s', async (declared, head, agree) => {
    const mismatch = await contentMismatch(declared, heads[head], false);
    expect(mismatch === null, mismatch ?? 'no mismatch').toBe(agree);
  });

  it('a media type that nothing recognises is admitted by its own name only', async () => {
    expect(await contentMismatch('audio/basic', heads.zeros, false)).not.toBeNull();
    expect(await contentMismatch('audio/basic', heads.zeros, true)).toBeNull();
    expect(await contentMismatch('audio/basic', heads.exe, true)).not.toBeNull();
  });

  it('a head that is cut off is still recognised', async () => {
    // A colour profile longer than what is read stands before the pixels.
    const iccp = Buffer.concat([heads.png.subarray(0, 33), hex('00010000'), ascii('iCCP'), Buffer.alloc(4059, 7)]);
    expect(await contentMismatch('image/png', iccp, false)).toBeNull();
    const cover = Buffer.concat([ascii('ID3'), hex('0400 00 00 3f 7f 7f'), Buffer.alloc(4090, 1)]);
    expect(await contentMismatch('audio/mpeg', cover, false)).toBeNull();
    const large = Buffer.concat([zip('word/media/image.png').subarray(0, 50), Buffer.alloc(4050, 9)]);
    large.writeUInt32LE(9_000_000, 18);
    const docx = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document';
    expect(await contentMismatch(docx, large, false)).toBeNull();
  });
});
