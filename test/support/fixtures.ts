/**
 * Test input: the files of test/fixtures (its README says how each was made), and hostile file names.
 *
 *     const photo = fixture('camera.jpg');   // bytes, path, contentType, width, height as shown
 *     const path = await hostileCopy(dir);   // a PNG on disk under a hostile name
 */
import { readFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Facts {
  /** The type that a browser declares, by the extension. */
  contentType: string;
  /** The real type, where the extension is wrong. @default contentType */
  actual?: string;
  /** Size in pixels after the EXIF orientation. Present when the image shows the four {@link quadrants}. */
  shown?: { width: number; height: number };
}

const table = {
  'camera.jpg': { contentType: 'image/jpeg', shown: { width: 240, height: 320 } },
  'quadrants.png': { contentType: 'image/png', shown: { width: 320, height: 240 } },
  'quadrants.webp': { contentType: 'image/webp', shown: { width: 320, height: 240 } },
  'phone.heic': { contentType: 'image/heic', shown: { width: 320, height: 240 } },
  'clip.mp4': { contentType: 'video/mp4', shown: { width: 320, height: 240 } },
  'tone.mp3': { contentType: 'audio/mpeg' },
  'page.pdf': { contentType: 'application/pdf', shown: { width: 320, height: 240 } },
  'note.txt': { contentType: 'text/plain' },
  'empty.txt': { contentType: 'text/plain' },
  'script.svg': { contentType: 'image/svg+xml' },
  'lying.png': { contentType: 'image/png', actual: 'text/html' },
  'polyglot.gif': { contentType: 'image/gif', actual: 'text/javascript' },
} as const satisfies Record<string, Facts>;

export type FixtureName = keyof typeof table;

export const fixtureNames = Object.keys(table) as FixtureName[];

export interface Fixture extends Facts {
  fileName: FixtureName;
  /** Absolute path. */
  path: string;
  bytes: Uint8Array<ArrayBuffer>;
}

export function fixture(fileName: FixtureName): Fixture {
  const path = join(fileURLToPath(new URL('../fixtures', import.meta.url)), fileName);
  return { ...table[fileName], fileName, path, bytes: new Uint8Array(readFileSync(path)) };
}

/** Colours of the corners. The files are lossy: compare with {@link sameColour}. */
export const quadrants = {
  topLeft: [220, 40, 40],
  topRight: [40, 160, 70],
  bottomLeft: [40, 80, 220],
  bottomRight: [240, 200, 40],
} as const;

export type Colour = readonly [red: number, green: number, blue: number];

/** Centres of the quadrants in an image of this size, in pixels. */
export function quadrantCentres(shown: {
  width: number;
  height: number;
}): Record<keyof typeof quadrants, [x: number, y: number]> {
  const [left, right] = [Math.round(shown.width / 4), Math.round((shown.width * 3) / 4)];
  const [top, bottom] = [Math.round(shown.height / 4), Math.round((shown.height * 3) / 4)];
  return { topLeft: [left, top], topRight: [right, top], bottomLeft: [left, bottom], bottomRight: [right, bottom] };
}

/**
 * The default tolerance is smaller than the distance of any two quadrants and larger than the error of our encoders.
 */
export function sameColour(a: ArrayLike<number>, b: ArrayLike<number>, tolerance = 24): boolean {
  return [0, 1, 2].every((channel) => Math.abs((a[channel] ?? Number.NaN) - (b[channel] ?? Number.NaN)) <= tolerance);
}

/**
 * Markup, path traversal, direction override, query characters, percent escape, emoji: all are legal in a Linux file
 * name.
 */
export const hostileFileName = '"><img src=x onerror=alert(1)>..\\..%2f\u202Egnp.exe ?acl&uploads#+%20\'🚢.png';

/** Hostile names for requests that a test builds itself: no file system accepts all of them. */
export const hostileNames: readonly string[] = [
  hostileFileName,
  '../../etc/passwd',
  '..\\..\\boot.ini',
  '/etc/passwd',
  'photo.png\0.html',
  'photo\r\nSet-Cookie: a=b.png',
  '%2e%2e%2fsecret.png',
  '\u202Egnp.exe',
  '🚢🚢🚢.png',
  `${'a'.repeat(4096)}.png`,
  'photo.png?acl',
  'photo.png#fragment',
  'a+b%20c d.png',
  '.',
  '..',
  '....',
  'CON',
  'nul.txt',
  // S3 expands this in a POST form.
  '${filename}',
  '\ud800.png',
];

/** Copies the quadrants PNG to {@link hostileFileName} in `dir`. Returns its path. */
export async function hostileCopy(dir: string): Promise<string> {
  const path = join(dir, hostileFileName);
  await copyFile(fixture('quadrants.png').path, path);
  return path;
}
