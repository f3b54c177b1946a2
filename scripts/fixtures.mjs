#!/usr/bin/env node
/**
 * Writes the files of test/fixtures, which are committed: no test runs this script. It needs Chromium, heif-enc and
 * ffmpeg (Debian: chromium, libheif-examples, ffmpeg). test/fixtures/README.md says what each file is for.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findChromium } from './lib/chromium.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { requireNode, root } from './lib/run.mjs';

requireNode();
await ensureInstalled();
const { chromium } = await import('playwright-core');

const out = join(root, 'test/fixtures');
const write = (name, bytes) => writeFileSync(join(out, name), bytes);

/**
 * Colours as they are displayed: top left, top right, bottom left, bottom right. The same are in
 * test/support/fixtures.ts.
 */
const quadrants = ['#dc2828', '#28a046', '#2850dc', '#f0c828'];

mkdirSync(out, { recursive: true });
const temp = mkdtempSync(join(tmpdir(), 'waybill-fixtures-'));
try {
  const images = await drawImages();
  write('quadrants.png', images.png);
  write('quadrants.webp', images.webp);
  write('camera.jpg', withExif(images.turnedJpeg));

  const png = join(out, 'quadrants.png');
  execFileSync('heif-enc', ['-q', '60', '-o', join(out, 'phone.heic'), png]);
  const ffmpeg = (...args) =>
    execFileSync('ffmpeg', [
      '-v',
      'error',
      '-y',
      ...args,
      '-map_metadata',
      '-1',
      '-fflags',
      '+bitexact',
      '-flags',
      '+bitexact',
    ]);
  ffmpeg(
    '-loop',
    '1',
    '-i',
    png,
    '-t',
    '1',
    '-r',
    '8',
    '-pix_fmt',
    'yuv420p',
    '-c:v',
    'libx264',
    '-crf',
    '20',
    '-movflags',
    '+faststart',
    `${temp}/clip.mp4`,
  );
  execFileSync('cp', [`${temp}/clip.mp4`, join(out, 'clip.mp4')]);
  ffmpeg('-f', 'lavfi', '-i', 'sine=frequency=440:duration=0.4', '-ac', '1', '-b:a', '32k', `${temp}/tone.mp3`);
  execFileSync('cp', [`${temp}/tone.mp3`, join(out, 'tone.mp3')]);
} finally {
  rmSync(temp, { recursive: true, force: true });
}
write('page.pdf', pdf());
write(
  'script.svg',
  `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="48"><script>document.title = 'svg ran'</script><rect width="64" height="48" fill="#dc2828"/></svg>\n`,
);
write(
  'lying.png',
  `<!doctype html><title>lying</title><script>document.title = 'html ran'</script><p>This is HTML, and its name is wrong.</p>\n`,
);
write('polyglot.gif', polyglot());
write('empty.txt', '');
write('note.txt', 'A short note, in UTF-8: naïve façade, 漢字, 🚢.\n');

/** Uses the encoders of a browser, so that the files are like those that pages send. */
async function drawImages() {
  const browser = await chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox', '--disable-gpu'] });
  try {
    const page = await browser.newPage();
    const drawn = await page.evaluate(async ([topLeft, topRight, bottomLeft, bottomRight]) => {
      const draw = (width, height, corners) => {
        const canvas = new OffscreenCanvas(width, height);
        const context = canvas.getContext('2d');
        corners.forEach((colour, index) => {
          context.fillStyle = colour;
          context.fillRect((index % 2) * (width / 2), Math.floor(index / 2) * (height / 2), width / 2, height / 2);
        });
        return canvas;
      };
      const encode = async (canvas, type, quality) => {
        const blob = await canvas.convertToBlob({ type, quality });
        if (blob.type !== type) throw new Error(`no encoder for ${type}`);
        return [...new Uint8Array(await blob.arrayBuffer())];
      };
      const upright = draw(320, 240, [topLeft, topRight, bottomLeft, bottomRight]);
      // With orientation 6 a viewer turns the picture 90 degrees clockwise, so it is stored turned counter-clockwise.
      const turned = draw(320, 240, [topRight, bottomRight, topLeft, bottomLeft]);
      return {
        png: await encode(upright, 'image/png'),
        webp: await encode(upright, 'image/webp', 0.9),
        turnedJpeg: await encode(turned, 'image/jpeg', 0.92),
      };
    }, quadrants);
    return Object.fromEntries(Object.entries(drawn).map(([name, bytes]) => [name, Buffer.from(bytes)]));
  } finally {
    await browser.close();
  }
}

/** Inserts an APP1 segment directly after SOI: Exif 2.3, section 4.5.4. */
function withExif(jpeg) {
  const text = (value) => Buffer.from(`${value}\0`, 'latin1');
  const entries = [
    [0x010f, 2, text('Waybill')], // Make
    [0x0110, 2, text('Test Camera')], // Model
    [0x0112, 3, 6], // Orientation
    [0x0132, 2, text('2026:11:23 12:00:00')], // DateTime
  ];
  const directory = 8;
  let valuesAt = directory + 2 + entries.length * 12 + 4;
  const ifd = Buffer.alloc(2 + entries.length * 12 + 4);
  ifd.writeUInt16BE(entries.length, 0);
  const values = [];
  entries.forEach(([tag, type, value], index) => {
    const at = 2 + index * 12;
    ifd.writeUInt16BE(tag, at);
    ifd.writeUInt16BE(type, at + 2);
    if (typeof value === 'number') {
      ifd.writeUInt32BE(1, at + 4);
      ifd.writeUInt16BE(value, at + 8);
      return;
    }
    ifd.writeUInt32BE(value.length, at + 4);
    ifd.writeUInt32BE(valuesAt, at + 8);
    values.push(value);
    valuesAt += value.length;
  });
  const tiff = Buffer.concat([Buffer.from('MM\0*\0\0\0\b', 'latin1'), ifd, ...values]);
  const body = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff]);
  const header = Buffer.alloc(4);
  header.writeUInt16BE(0xffe1, 0);
  header.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([jpeg.subarray(0, 2), header, body, jpeg.subarray(2)]);
}

/** A PDF of one page with four rectangles and a line of text, and a correct cross-reference table. */
function pdf() {
  const rgb = (hex) => [1, 3, 5].map((at) => (Number.parseInt(hex.slice(at, at + 2), 16) / 255).toFixed(3)).join(' ');
  const [topLeft, topRight, bottomLeft, bottomRight] = quadrants.map(rgb);
  const content = `${topLeft} rg 0 120 160 120 re f ${topRight} rg 160 120 160 120 re f ${bottomLeft} rg 0 0 160 120 re f ${bottomRight} rg 160 0 160 120 re f
0 g BT /F1 18 Tf 20 110 Td (Waybill test page) Tj ET`;
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 320 240] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ];
  let text = '%PDF-1.4\n%\xe2\xe3\xcf\xd3\n';
  const offsets = objects.map((object, index) => {
    const offset = text.length;
    text += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return offset;
  });
  const xref = text.length;
  const rows = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  text += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${rows}`;
  text += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${xref}\n%%EOF\n`;
  return Buffer.from(text, 'latin1');
}

/**
 * A file that is both a valid 1x1 GIF and a valid script. The bytes of the screen width are the start of a JavaScript
 * comment, and a GIF comment extension contains the end of that comment and the script.
 */
function polyglot() {
  const screen = Buffer.from([0x2f, 0x2a, 0x01, 0x00, 0x80, 0x00, 0x00]); // width 0x2a2f is "/*"
  const palette = Buffer.from([0xff, 0xff, 0xff, 0x00, 0x00, 0x00]);
  const image = Buffer.from([0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0x02, 0x02, 0x44, 0x01, 0x00]);
  const script = Buffer.from('*/=1;globalThis.polyglotRan=true;/*', 'latin1');
  const comment = Buffer.concat([Buffer.from([0x21, 0xfe, script.length]), script, Buffer.from([0])]);
  return Buffer.concat([
    Buffer.from('GIF89a', 'latin1'),
    screen,
    palette,
    image,
    comment,
    Buffer.from(';*/', 'latin1'),
  ]);
}
