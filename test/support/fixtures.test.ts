import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileTypeFromBuffer } from 'file-type';
import { expect, it } from 'vitest';
import { fixture, fixtureNames, hostileCopy, hostileFileName } from './fixtures.ts';

it('fixtureNames lists exactly the files of test/fixtures', async () => {
  const files = await readdir(dirname(fixture('note.txt').path));
  expect(files.filter((file) => file !== 'README.md').sort()).toEqual([...fixtureNames].sort());
});

const sniffed = {
  'camera.jpg': 'image/jpeg',
  'quadrants.png': 'image/png',
  'quadrants.webp': 'image/webp',
  'phone.heic': 'image/heic',
  'clip.mp4': 'video/mp4',
  'tone.mp3': 'audio/mpeg',
  'page.pdf': 'application/pdf',
  'polyglot.gif': 'image/gif',
} as Record<string, string>;

it.each(fixtureNames)('%s has the type that its magic bytes say', async (name) => {
  expect((await fileTypeFromBuffer(fixture(name).bytes))?.mime).toBe(sniffed[name]);
});

it('polyglot.gif runs as a script', () => {
  const script = Buffer.from(fixture('polyglot.gif').bytes).toString('latin1');
  expect(new Function('globalThis', `var GIF89a;${script};return globalThis.polyglotRan`)({})).toBe(true);
});

it('hostileCopy() copies an image under a hostile name', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'waybill-hostile-'));
  try {
    await hostileCopy(dir);
    expect(await readdir(dir)).toEqual([hostileFileName]);
  } finally {
    await rm(dir, { recursive: true });
  }
});
