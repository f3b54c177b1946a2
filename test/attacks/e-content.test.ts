/** E: content that differs from its declared type. Attack ids: docs/threat-model.md. */
import { deflateRawSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { route } from '../../src/server/index.ts';
import { forEachStore } from '../support/stores.ts';
import { type App, completedOf, errorOf, png, send, stagedKey, startApp } from './app.ts';

const text = (value: string) => Buffer.from(value);
const bytes = (...values: (number | string)[]) =>
  Buffer.concat(
    values.map((value) => (typeof value === 'string' ? Buffer.from(value, 'latin1') : Buffer.from([value]))),
  );
const padded = (head: Buffer, size = 600) => Buffer.concat([head, Buffer.alloc(Math.max(0, size - head.length))]);
const box = (brand: string) => padded(bytes(0, 0, 0, 0x18, 'ftyp', brand, 0, 0, 0, 0, brand, 'mif1'));

/** Makes a minimal zip with one entry. Office documents are recognised by the names of their entries. */
function zip(name: string, content = ''): Buffer {
  const body = Buffer.from(content);
  const packed = deflateRawSync(body);
  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(20, 4);
  local.writeUInt16LE(8, 8);
  local.writeUInt32LE(packed.length, 18);
  local.writeUInt32LE(body.length, 22);
  local.writeUInt16LE(name.length, 26);
  const central = Buffer.alloc(46);
  central.writeUInt32LE(0x02014b50, 0);
  central.writeUInt16LE(20, 6);
  central.writeUInt16LE(8, 10);
  central.writeUInt32LE(packed.length, 20);
  central.writeUInt32LE(body.length, 24);
  central.writeUInt16LE(name.length, 28);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(46 + name.length, 12);
  end.writeUInt32LE(30 + name.length + packed.length, 16);
  return Buffer.concat([local, Buffer.from(name), packed, central, Buffer.from(name), end]);
}

const html = text('<!doctype html><html><script>alert(1)</script></html>');
const svg = text('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>');
const polyglot = text('GIF89a/*                                        */=1;alert(document.domain);//');
const jpeg = padded(bytes(0xff, 0xd8, 0xff, 0xe0, 0, 0x10, 'JFIF', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0));
const webp = padded(bytes('RIFF', 0x50, 2, 0, 0, 'WEBPVP8 '));
const wav = padded(bytes('RIFF', 0x50, 2, 0, 0, 'WAVEfmt '));
const webm = padded(
  bytes(
    0x1a,
    0x45,
    0xdf,
    0xa3,
    0x9f,
    0x42,
    0x86,
    0x81,
    1,
    0x42,
    0xf7,
    0x81,
    1,
    0x42,
    0xf2,
    0x81,
    4,
    0x42,
    0xf3,
    0x81,
    8,
    0x42,
    0x82,
    0x84,
    'webm',
  ),
);
const pdf = padded(text('%PDF-1.7\n%\u00e2\u00e3\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj'));
const gif = padded(
  bytes(
    'GIF89a',
    1,
    0,
    1,
    0,
    0x80,
    0,
    0,
    255,
    255,
    255,
    0,
    0,
    0,
    0x2c,
    0,
    0,
    0,
    0,
    1,
    0,
    1,
    0,
    0,
    2,
    2,
    0x44,
    1,
    0,
    0x3b,
  ),
);
const bmp = padded(bytes('BM', 0x58, 2, 0, 0, 0, 0, 0, 0, 0x36, 0, 0, 0, 0x28, 0, 0, 0));
const tiff = padded(bytes('II', 0x2a, 0, 8, 0, 0, 0));
const mp3 = padded(bytes('ID3', 3, 0, 0, 0, 0, 0, 0, 0xff, 0xfb, 0x90, 0x64));
const flac = padded(bytes('fLaC', 0, 0, 0, 0x22));
const ogg = padded(
  bytes('OggS', 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x1e, 1, 'vorbis'),
);
const exe = padded(bytes('MZ', 0x90, 0, 3, 0, 0, 0, 4, 0, 0, 0, 0xff, 0xff));
const elf = padded(bytes(0x7f, 'ELF', 2, 1, 1));
const docx = zip('word/document.xml', '<w/>');
const officeType = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document';

const heads: [name: string, contentType: string, content: Buffer, outcome: 'stored' | 'refused'][] = [
  ['a PNG', 'image/png', png, 'stored'],
  ['a JPEG', 'image/jpeg', jpeg, 'stored'],
  ['a GIF', 'image/gif', gif, 'stored'],
  ['a WebP', 'image/webp', webp, 'stored'],
  ['a HEIC', 'image/heic', box('heic'), 'stored'],
  ['an AVIF', 'image/avif', box('avif'), 'stored'],
  ['a BMP', 'image/bmp', bmp, 'stored'],
  ['a TIFF', 'image/tiff', tiff, 'stored'],
  ['an MP4', 'video/mp4', box('isom'), 'stored'],
  ['a QuickTime video', 'video/quicktime', box('qt  '), 'stored'],
  ['an M4A', 'audio/mp4', box('M4A '), 'stored'],
  ['a WebM', 'video/webm', webm, 'stored'],
  ['a WebM with sound only', 'audio/webm', webm, 'stored'],
  ['an MP3', 'audio/mpeg', mp3, 'stored'],
  ['a WAV', 'audio/wav', wav, 'stored'],
  ['a FLAC', 'audio/flac', flac, 'stored'],
  ['an Ogg', 'audio/ogg', ogg, 'stored'],
  ['a PDF', 'application/pdf', pdf, 'stored'],
  ['a zip', 'application/zip', zip('a.txt', 'hello'), 'stored'],
  ['a Word document', officeType, docx, 'stored'],
  ['a gzip', 'application/gzip', gzipSync('hello'), 'stored'],
  ['plain text', 'text/plain', text('hello, world\n'), 'stored'],
  ['a CSV', 'text/csv', text('a,b\n1,2\n'), 'stored'],
  ['JSON', 'application/json', text('{"a":1}'), 'stored'],
  ['any bytes as octet-stream', 'application/octet-stream', padded(bytes(1, 2, 3)), 'stored'],
  ['HTML as PNG', 'image/png', html, 'refused'],
  ['SVG as PNG', 'image/png', svg, 'refused'],
  ['JavaScript as PNG', 'image/png', text('alert(1)'), 'refused'],
  ['XHTML as PNG', 'image/png', text('<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>'), 'refused'],
  ['a GIF/JS polyglot as PNG', 'image/png', polyglot, 'refused'],
  ['a JPEG as PNG', 'image/png', jpeg, 'refused'],
  ['a PNG as JPEG', 'image/jpeg', png, 'refused'],
  ['zeros as JPEG', 'image/jpeg', Buffer.alloc(600), 'refused'],
  ['a PDF as PNG', 'image/png', pdf, 'refused'],
  ['a program as PDF', 'application/pdf', exe, 'refused'],
  ['a program as MP4', 'video/mp4', exe, 'refused'],
  ['an ELF as MP3', 'audio/mpeg', elf, 'refused'],
  ['a zip as WebP', 'image/webp', zip('a.txt', 'x'), 'refused'],
  ['a WAV as WebP', 'image/webp', wav, 'refused'],
  ['an AVIF as MP4', 'video/mp4', box('avif'), 'refused'],
  ['HTML as a Word document', officeType, html, 'refused'],
  ['HTML as plain text', 'text/plain', html, 'refused'],
  [
    'HTML after a BOM and spaces as plain text',
    'text/plain',
    Buffer.concat([bytes(0xef, 0xbb, 0xbf, '  \n'), html]),
    'refused',
  ],
  ['SVG as CSV', 'text/csv', svg, 'refused'],
  ['a PNG as plain text', 'text/plain', png, 'refused'],
  ['a program as text', 'text/plain', exe, 'refused'],
  ['HTML as JSON', 'application/json', html, 'refused'],
  ['a polyglot of letters as GIF', 'image/gif', polyglot, 'refused'],
  ['HTML in UTF-16 as plain text', 'text/plain', Buffer.from(`\ufeff${html}`, 'utf16le'), 'refused'],
  ['HTML before a PDF as PDF', 'application/pdf', Buffer.concat([html, pdf]), 'refused'],
  ['a script before a PDF as PDF', 'application/pdf', Buffer.concat([text('alert(1)\n'), pdf]), 'refused'],
  [
    'an e-mail before a PDF as PDF',
    'application/pdf',
    Buffer.concat([text('--b\r\nContent-Type: a/b\r\n\r\n'), pdf]),
    'stored',
  ],
  [
    'a program after an ID3 tag as FLAC',
    'audio/flac',
    Buffer.concat([bytes('ID3', 4, 0, 0, 0, 0, 0, 0), exe]),
    'refused',
  ],
  ['text that begins like an IFF as CSV', 'text/csv', text('FORM,NAME\n1,Anna\n'), 'stored'],
  ['text that begins like an IFF as IFF', 'audio/aiff', text('FORM,NAME\n1,Anna\n'), 'refused'],
];

forEachStore('content', (store) => {
  let app: App;
  let inspected: string[] = [];
  beforeAll(async () => {
    const authorize = ({ request }: { request: { header(name: string): string | undefined } }) => ({
      ownerId: request.header('x-user') ?? '',
    });
    app = await startApp(store, {
      routes: {
        files: route({ limits: { maxBytes: 5000, minBytes: 0, contentTypes: ['*/*'] }, authorize }),
        images: route({ limits: { maxBytes: 5000, contentTypes: ['image/*'] }, authorize }),
        vectors: route({ limits: { maxBytes: 5000, contentTypes: ['image/svg+xml', 'text/html'] }, authorize }),
        inspected: route({
          limits: { maxBytes: 5000 },
          authorize,
          inspect: async ({ file, stream }) => {
            inspected.push(`${file.contentType} ${(await new Response(await stream()).arrayBuffer()).byteLength}`);
            return { reject: 'It has a virus.' };
          },
        }),
      },
    });
  });
  afterAll(() => app.stop());

  it('E2 the table contains at least forty heads', () => {
    expect(heads.length).toBeGreaterThanOrEqual(40);
  });

  it.each(heads)('E1 E2 %s declared as %s has the expected outcome', async (_, contentType, content, outcome) => {
    const upload = await app.grant(content, { contentType, fileName: 'file' });
    expect((await send(upload.request, content)).status).toBe(200);
    const answer = await app.complete(upload.grant);
    if (outcome === 'stored') {
      const { file } = completedOf(answer);
      expect((await app.storage.head(file.key))?.contentType.split(';')[0]).toBe(contentType);
      return;
    }
    expect([answer.status, errorOf(answer)]).toEqual([422, 'content_type_mismatch']);
    // E4: the file is in neither place.
    expect(await app.storage.head(stagedKey(store, upload.request))).toBeNull();
    expect((await app.storage.list({ prefix: `files/alice/${upload.uploadId}` })).objects).toEqual([]);
  });

  it('E1 a wildcard does not admit types that a browser executes', async () => {
    for (const contentType of [
      'image/svg+xml',
      'text/html',
      'application/xhtml+xml',
      'text/javascript',
      'image/SVG+XML',
    ]) {
      const answer = await app.tryGrant(svg, { contentType, fileName: 'a.svg' }, { name: 'images' });
      expect([contentType, errorOf(answer)]).toEqual([
        contentType,
        expect.stringMatching(/content_type_not_allowed|invalid_request/),
      ]);
      const onAnyType = await app.tryGrant(svg, { contentType, fileName: 'a.svg' });
      expect([contentType, errorOf(onAnyType)]).toEqual([
        contentType,
        expect.stringMatching(/content_type_not_allowed|invalid_request/),
      ]);
    }
  });

  it.each([
    ['image/svg+xml', svg],
    ['image/svg+xml', gzipSync(svg)],
    ['text/html', html],
  ])('E1 %s that a route names is never served inline', async (contentType, content) => {
    const { completed } = await app.store(content, { contentType, fileName: 'a' }, { name: 'vectors' });
    const view = await app.call('GET', completed.file.url);
    const response = await fetch(String(view.headers.location));
    await response.body?.cancel();
    expect(response.headers.get('content-disposition')).toMatch(/^attachment/);
  });

  it('E1 an empty or generic content type never becomes an active type', async () => {
    for (const contentType of [undefined, '', 'application/octet-stream', 'text/plain'])
      for (const fileName of ['a.html', 'a.svg', 'a.js', 'a.xhtml', 'a.svgz'])
        for (const [name, content] of [
          ['files', html],
          ['files', svg],
        ] as const) {
          const answer = await app.tryGrant(content, { contentType: contentType as string, fileName }, { name });
          const granted = answer.body.uploads?.[0];
          const type = granted && 'contentType' in granted ? granted.contentType : errorOf(answer);
          expect(['application/octet-stream', 'text/plain', 'content_type_not_allowed']).toContain(type);
        }
  });

  it('E3 a zip bomb, 0 bytes, 1 byte and exactly maxBytes are stored, and one byte more is refused', async () => {
    const bomb = zip('bomb', '\0'.repeat(2_000_000));
    expect(bomb.length).toBeLessThan(5000);
    expect((await app.store(bomb, { contentType: 'application/zip', fileName: 'b.zip' })).completed.file.size).toBe(
      bomb.length,
    );
    for (const size of [0, 1, 5000]) {
      const content = Buffer.alloc(size, 1);
      const { completed } = await app.store(content, { contentType: 'application/octet-stream', fileName: 'x' });
      expect((await app.storage.head(completed.file.key))?.size).toBe(size);
    }
    expect(errorOf(await app.tryGrant(Buffer.alloc(5001, 1), { contentType: 'application/octet-stream' }))).toBe(
      'file_too_large',
    );
    expect(errorOf(await app.tryGrant(Buffer.alloc(0), {}, { name: 'images' }))).toBe('file_too_small');
  });

  it('E4 a file that inspect rejects is deleted', async () => {
    inspected = [];
    const upload = await app.grant(png, {}, { name: 'inspected' });
    await send(upload.request, png);
    const answer = await app.complete(upload.grant);
    expect([answer.status, errorOf(answer)]).toEqual([422, 'upload_rejected']);
    expect(inspected).toEqual([`image/png ${png.length}`]);
    expect(await app.storage.head(stagedKey(store, upload.request))).toBeNull();
    expect((await app.storage.list({ prefix: 'inspected/' })).objects).toEqual([]);
    expect(errorOf(await app.complete(upload.grant))).toBe('upload_rejected');
  });
});
