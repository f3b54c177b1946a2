/**
 * Files that are prepared before they are sent, in Chromium: real images, read again from the storage with readers that
 * are not ours.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import exifr from 'exifr';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { decodeHeic } from '../../src/client/prepare/heic.ts';
import type { prepareImage, prepareThumbnail, withPrepare } from '../../src/client/prepare/index.ts';
import type { ImageOptions } from '../../src/client/prepare/types.ts';
import type { Client, Upload } from '../../src/client/types.ts';
import { createDevstore, type Devstore } from '../../src/devstore/index.ts';
import { s3Storage } from '../../src/s3/index.ts';
import { describeBrowser } from '../support/chromium.ts';
import { type ClientPage, openClientPage, type Tracked } from '../support/client-page.ts';
import { type Colour, fixture, quadrants, sameColour } from '../support/fixtures.ts';
import { gif, withJpegMetadata, withPngMetadata, withWebpMetadata } from '../support/photos.ts';

declare global {
  function largeClient(endpoint: string, letter: string): Client;
  interface Window {
    prepare: {
      prepareImage: typeof prepareImage;
      prepareThumbnail: typeof prepareThumbnail;
      withPrepare: typeof withPrepare;
    };
    decodeHeic: typeof decodeHeic;
  }
}

const credentials = { accessKeyId: 'photos', secretAccessKey: 'photos-photos-photos' };
const extraScript = `
import * as prepare from './client/prepare/index.ts';
import { decodeHeic } from './client/prepare/heic.ts';
Object.assign(window, { prepare, decodeHeic });
`;

interface Picture {
  width: number;
  height: number;
  /** The centres of the four quadrants. */
  colours: Record<keyof typeof quadrants, Colour>;
}

describeBrowser('prepared files in Chromium', (browser) => {
  let page: Page;
  let dir: string;
  let devstore: Devstore;
  let client: ClientPage;
  let endpoint: string;
  let seen: { method: string; status: number; bytesIn: number }[] = [];
  const complaints: string[] = [];
  const storage = () => s3Storage({ bucket: 'bucket', endpoint, credentials, capabilities: 'devstore' });

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'waybill-prepare-'));
    devstore = await createDevstore({
      dir: join(dir, 'store'),
      credentials: [credentials],
      buckets: ['bucket'],
      cors: [{ allowedOrigins: ['*'], allowedMethods: ['GET', 'PUT', 'POST'], allowedHeaders: ['*'] }],
      onRequest: (report) => seen.push(report),
    });
    endpoint = (await devstore.listen()).url;
    client = await openClientPage(storage(), { extraScript });
    page = await browser().newPage();
    page.on('pageerror', (error) => complaints.push(String(error)));
    await open();
  });

  afterAll(async () => {
    await page?.close();
    await client?.close();
    await devstore?.close();
    await rm(dir, { recursive: true, force: true });
  });

  beforeEach(() => {
    seen = [];
    complaints.length = 0;
    devstore.setFaults(undefined);
  });

  afterEach(() => {
    expect(complaints).toEqual([]);
  });

  async function open(): Promise<void> {
    await page.goto(client.url);
    await page.waitForFunction(() => window.prepare);
  }

  async function pick(name: string, bytes: Uint8Array): Promise<void> {
    await writeFile(join(dir, name), bytes);
    await page.setInputFiles('input', join(dir, name));
  }

  /** Uploads the picked file with `prepareImage(options)`. */
  const send = (options: ImageOptions = {}): Promise<Tracked> =>
    page.evaluate(
      ([url, given]) => {
        const file = document.querySelector('input')?.files?.[0] as File;
        const { prepareImage, withPrepare } = window.prepare;
        const client = withPrepare(window.waybill.createClient({ endpoint: url }), { prepare: prepareImage(given) });
        return window.track(client.upload('files', file));
      },
      [client.endpoint, options] as const,
    );

  async function storedBytes(upload: Tracked): Promise<Buffer> {
    expect(upload).toMatchObject({ status: 'done', error: null });
    const found = await storage().get(upload.file?.key ?? '');
    return Buffer.from(await new Response(found?.body).arrayBuffer());
  }

  /** Decodes an image in the page, without looking at its EXIF. */
  const look = (bytes: Uint8Array, type: string): Promise<Picture> =>
    page.evaluate(
      async ([base64, contentType]) => {
        const blob = await (await fetch(`data:${contentType};base64,${base64}`)).blob();
        const bitmap = await createImageBitmap(blob, { imageOrientation: 'none' });
        const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
        const context = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D;
        context.drawImage(bitmap, 0, 0);
        const at = (x: number, y: number) =>
          [...context.getImageData(Math.floor(bitmap.width * x), Math.floor(bitmap.height * y), 1, 1).data].slice(0, 3);
        return {
          width: bitmap.width,
          height: bitmap.height,
          colours: {
            topLeft: at(0.25, 0.25),
            topRight: at(0.75, 0.25),
            bottomLeft: at(0.25, 0.75),
            bottomRight: at(0.75, 0.75),
          },
        } as never;
      },
      [Buffer.from(bytes).toString('base64'), type] as const,
    );

  function expectQuadrants({ colours }: Picture): void {
    for (const name of Object.keys(quadrants) as (keyof typeof quadrants)[])
      expect(sameColour(colours[name], quadrants[name]), `${name}: ${colours[name]}`).toBe(true);
  }

  /** With a place, XMP and a comment. EXIF says that the stored pixels have to be turned. */
  const photo = () => {
    const plain = Buffer.from(fixture('camera.jpg').bytes);
    // The fixture has an EXIF segment of its own.
    const begin = plain.indexOf(Buffer.from('Exif\0\0')) - 4;
    const bare = Buffer.concat([plain.subarray(0, begin), plain.subarray(begin + 2 + plain.readUInt16BE(begin + 2))]);
    return { turned: withJpegMetadata(bare, 6), upright: withJpegMetadata(bare, 1), bare };
  };

  it('prepareImage() turns a photo upright, makes it smaller, and sends no metadata', async () => {
    const { turned } = photo();
    expect(await exifr.gps(turned)).toMatchObject({ latitude: expect.closeTo(48.858, 2) });
    await pick('photo.jpg', turned);
    const worker = page.waitForEvent('worker');
    const upload = await send({ maxWidth: 100, maxHeight: 100 });
    expect((await worker).url()).toMatch(/^blob:/);
    const bytes = await storedBytes(upload);
    expect(upload).toMatchObject({ fileName: 'photo.jpg', size: bytes.length, loaded: bytes.length, prepared: 1 });
    expect(await exifr.gps(bytes)).toBeUndefined();
    expect(await exifr.parse(bytes, true)).not.toMatchObject({ Make: expect.anything() });
    expect(bytes.toString('latin1')).not.toMatch(/secret|Waybill|Exif/);
    const picture = await look(bytes, 'image/jpeg');
    expect([picture.width, picture.height]).toEqual([75, 100]);
    expectQuadrants(picture);
  });

  it('an upload is preparing before it is granted, and the checksum is of what is sent', async () => {
    await pick('photo.jpg', photo().turned);
    const upload = await send({ maxWidth: 100 });
    const bytes = await storedBytes(upload);
    const statuses = upload.snapshots.map(({ status }) => status);
    expect(statuses.indexOf('preparing')).toBeGreaterThan(-1);
    expect(statuses.lastIndexOf('preparing')).toBeLessThan(statuses.indexOf('granting'));
    const { checksum } = upload.file ?? {};
    expect(checksum).toMatchObject({ value: createHash('sha256').update(bytes).digest('base64') });
  });

  it('abort() during the preparation ends the upload, and nothing is sent', async () => {
    await pick('photo.jpg', photo().turned);
    const result = await page.evaluate(async (url) => {
      const file = document.querySelector('input')?.files?.[0] as File;
      let wasAborted = false;
      const client = window.prepare.withPrepare(window.waybill.createClient({ endpoint: url }), {
        prepare: (_, { signal, onProgress }) =>
          new Promise((_, reject) => {
            onProgress(0.5);
            signal.addEventListener('abort', () => {
              wasAborted = true;
              reject(signal.reason);
            });
          }),
      });
      const upload = client.upload('files', file);
      await new Promise<void>((resolve) => upload.subscribe(() => upload.getSnapshot().prepared === 0.5 && resolve()));
      const during = upload.getSnapshot();
      upload.abort();
      await upload.done.catch(() => {});
      return { during, after: upload.getSnapshot().status, wasAborted };
    }, client.endpoint);
    expect(result).toMatchObject({ during: { status: 'preparing', total: null }, after: 'aborted', wasAborted: true });
    expect(seen).toEqual([]);
  });

  it.each([
    ['throws', 'source_unreadable'],
    ['returns nothing', 'source_unreadable'],
    ['throws a WaybillError', 'file_too_large'],
  ])('an upload whose prepare() %s fails with %s, and nothing is sent', async (how, code) => {
    await pick('photo.jpg', photo().turned);
    const upload = await page.evaluate(
      ([url, how]) => {
        const file = document.querySelector('input')?.files?.[0] as File;
        const client = window.prepare.withPrepare(window.waybill.createClient({ endpoint: url }), {
          messages: { source_unreadable: 'Nicht lesbar.' },
          prepare: async () => {
            if (how === 'throws') throw new Error('no decoder');
            if (how === 'throws a WaybillError')
              throw Object.assign(new Error('Too long.'), {
                'waybill.error': true,
                code: 'file_too_large',
                toJSON: () => ({ code: 'file_too_large' }),
              });
            return undefined as never;
          },
        });
        return window.track(client.upload('files', file));
      },
      [client.endpoint, how] as const,
    );
    expect(upload).toMatchObject({ status: 'failed', error: { code } });
    if (code === 'source_unreadable') expect(upload.error?.message).toBe('Nicht lesbar.');
    expect(seen).toEqual([]);
  });

  it.each([
    ['photo.jpg', () => photo().upright, 'image/jpeg'],
    ['chart.png', () => withPngMetadata(fixture('quadrants.png').bytes, 1), 'image/png'],
  ] as const)(
    'prepareImage() removes the metadata of an upright %s, and keeps its pixels',
    async (name, make, type) => {
      const bytes = make();
      expect(await exifr.gps(bytes)).toMatchObject({ latitude: expect.closeTo(48.858, 2) });
      await pick(name, bytes);
      const stored = await storedBytes(await send({ maxWidth: 2000 }));
      expect(await exifr.gps(stored)).toBeUndefined();
      expect(stored.toString('latin1')).not.toMatch(/secret|Waybill|Exif|eXIf/);
      const bare = name === 'photo.jpg' ? photo().bare : Buffer.from(fixture('quadrants.png').bytes);
      expect(stored.equals(bare)).toBe(true);
      expect((await look(stored, type)).width).toBe(320);
    },
  );

  it('prepareImage() removes the EXIF of a WebP', async () => {
    const { bytes } = fixture('quadrants.webp');
    await pick('photo.webp', withWebpMetadata(bytes));
    const stored = await storedBytes(await send());
    expect(stored.toString('latin1')).not.toMatch(/Waybill|EXIF/);
    expectQuadrants(await look(stored, 'image/webp'));
  });

  it.each([
    [1, 'image/png', 'dots.png'],
    [3, 'image/gif', 'dots.gif'],
  ])('prepareImage() sends a GIF of %i images as %s, without its comment', async (frames, type, name) => {
    await pick('dots.gif', gif(frames));
    const upload = await send({ maxWidth: 1 });
    const stored = await storedBytes(upload);
    expect(upload.file).toMatchObject({ contentType: type, fileName: name });
    expect(stored.toString('latin1')).not.toContain('secret');
    const without = gif(frames).toString('latin1').replace('!\xfe\x10a secret comment\0', '');
    if (frames > 1) expect(stored.toString('latin1')).toBe(without);
  });

  it('prepareImage() never enlarges an image', async () => {
    await pick('photo.jpg', photo().turned);
    const stored = await storedBytes(await send({ maxWidth: 5000, maxHeight: 5000 }));
    const { width, height } = await look(stored, 'image/jpeg');
    expect([width, height]).toEqual([240, 320]);
  });

  it('prepareImage() reaches a limit of bytes by quality, and then by size', async () => {
    const noise = await page.evaluate(async () => {
      const canvas = new OffscreenCanvas(400, 300);
      const context = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D;
      const image = context.createImageData(400, 300);
      for (let at = 0; at < image.data.length; at++)
        image.data[at] = at % 4 === 3 ? 255 : (at * 7919 * (at >> 3)) & 255;
      context.putImageData(image, 0, 0);
      const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.95 });
      return [...new Uint8Array(await blob.arrayBuffer())];
    });
    await pick('noise.jpg', Buffer.from(noise));
    const maxBytes = Math.round(noise.length * 0.6);
    const byQuality = await storedBytes(await send({ maxBytes }));
    expect(byQuality.length).toBeLessThanOrEqual(maxBytes);
    expect((await look(byQuality, 'image/jpeg')).width).toBe(400);
    const bySize = await storedBytes(await send({ maxBytes: 5000 }));
    expect(bySize.length).toBeLessThanOrEqual(5000);
    expect(bySize.length).toBeGreaterThan(2000);
    expect((await look(bySize, 'image/jpeg')).width).toBeLessThan(400);
  });

  it('prepareImage() crops the image as it is shown', async () => {
    await pick('photo.jpg', photo().turned);
    const stored = await storedBytes(await send({ crop: { x: 120, y: 0, width: 120, height: 160 } }));
    const { width, height, colours } = await look(stored, 'image/jpeg');
    expect([width, height]).toEqual([120, 160]);
    for (const colour of Object.values(colours)) expect(sameColour(colour, quadrants.topRight)).toBe(true);
  });

  it('prepareImage() sends text as it is, and refuses what only says that it is an image', async () => {
    await pick('note.txt', fixture('note.txt').bytes);
    expect((await storedBytes(await send({ maxWidth: 10 }))).equals(Buffer.from(fixture('note.txt').bytes))).toBe(true);
    seen = [];
    await pick('lying.png', fixture('lying.png').bytes);
    expect(await send()).toMatchObject({ status: 'failed', error: { code: 'source_unreadable' } });
    expect(seen).toEqual([]);
  });

  it('prepareImage() works on the page itself where the page forbids workers', async () => {
    await page.evaluate(() => {
      const policy = Object.assign(document.createElement('meta'), { content: "worker-src 'none'" });
      policy.httpEquiv = 'Content-Security-Policy';
      document.head.append(policy);
    });
    await pick('photo.jpg', photo().turned);
    const picture = await look(await storedBytes(await send({ maxWidth: 100 })), 'image/jpeg');
    expect(picture.width).toBe(100);
    expectQuadrants(picture);
    await open();
  });

  it('prepareImage() converts HEIC to JPEG with decodeHeic, and refuses it without', async () => {
    await pick('phone.heic', fixture('phone.heic').bytes);
    expect(await send({ maxWidth: 160 })).toMatchObject({ status: 'failed', error: { code: 'source_unreadable' } });
    const upload = await page.evaluate((url) => {
      const file = document.querySelector('input')?.files?.[0] as File;
      const prepare = window.prepare.prepareImage({ maxWidth: 160, decodeHeic: window.decodeHeic });
      const client = window.prepare.withPrepare(window.waybill.createClient({ endpoint: url }), { prepare });
      return window.track(client.upload('files', file));
    }, client.endpoint);
    expect(upload.file).toMatchObject({ fileName: 'phone.jpg', contentType: 'image/jpeg' });
    const picture = await look(await storedBytes(upload), 'image/jpeg');
    expect([picture.width, picture.height]).toEqual([160, 120]);
    expectQuadrants(picture);
  });

  it.each([
    ['camera.jpg', 75, 100],
    ['clip.mp4', 100, 75],
  ] as const)('prepareThumbnail() makes a picture of %s', async (name, width, height) => {
    await page.setInputFiles('input', fixture(name).path);
    const { type, bytes } = await page.evaluate(async () => {
      const file = document.querySelector('input')?.files?.[0] as File;
      const picture = await window.prepare.prepareThumbnail({ maxWidth: 100, maxHeight: 100 })(file);
      return { type: picture.type, bytes: [...new Uint8Array(await picture.arrayBuffer())] };
    });
    expect(type).toBe('image/jpeg');
    const picture = await look(Buffer.from(bytes), 'image/jpeg');
    expect([picture.width, picture.height]).toEqual([width, height]);
    expectQuadrants(picture);
  });

  it('prepareThumbnail() rejects for a file of which there is no picture', async () => {
    await page.setInputFiles('input', fixture('note.txt').path);
    const code = await page.evaluate(() => {
      const file = document.querySelector('input')?.files?.[0] as File;
      return window.prepare
        .prepareThumbnail()(file)
        .catch((error) => error.code);
    });
    expect(code).toBe('source_unreadable');
  });

  it('a prepared file in parts continues after a reload, and starts again when its bytes differ', async () => {
    const partBytes = 4 * 2 ** 20;
    const begin = () =>
      page.evaluate((url) => {
        const client = largeClient(url, 'a');
        window.uploads = [client.upload('files', document.querySelector('input')?.files?.[0] as File)];
      }, client.endpoint);
    // A function of the page: it makes 24 MiB of a small file.
    const define = () =>
      page.addScriptTag({
        content: `function largeClient(url, letter) {
          return window.prepare.withPrepare(window.waybill.createClient({ endpoint: url }), {
            description: 'large 1',
            prepare: async (file) => new File([(await file.text()) + letter.repeat(24 * 2 ** 20)], file.name, { type: file.type }),
          });
        }`,
      });
    const sent = () => seen.filter(({ method, status }) => method === 'PUT' && status === 200);
    const resume = (letter: string, how: 'picked again' | 'from the list') =>
      page.evaluate(
        async ([url, text, way]) => {
          const client = largeClient(url, text);
          const file = document.querySelector('input')?.files?.[0] as File;
          const [entry] = await client.resumable();
          const other = await entry
            ?.resume(new File(['x'], 'other.txt', { lastModified: 5 }))
            .done.catch(({ code }) => code);
          const upload = way === 'picked again' ? client.upload('files', file) : entry?.resume(file);
          return { other, needsFile: entry?.needsFile, upload: await window.track(upload as Upload) };
        },
        [client.endpoint, letter, how] as const,
      );

    for (const [letter, how] of [
      ['a', 'from the list'],
      ['b', 'picked again'],
    ] as const) {
      await define();
      await pick('seed.txt', Buffer.from('seed of a large file'));
      let started = 0;
      devstore.setFaults({ when: ({ method }) => method === 'PUT' && ++started > 2, delayMs: 600_000 });
      seen = [];
      await begin();
      await expect.poll(() => sent().length).toBe(2);
      await open();
      await define();
      devstore.setFaults(undefined);
      seen = [];
      await page.setInputFiles('input', join(dir, 'seed.txt'));
      const { other, needsFile, upload } = await resume(letter, how);
      expect([other, needsFile]).toEqual(['source_changed', true]);
      const text = (await storedBytes(upload)).toString();
      expect(text).toBe(`seed of a large file${letter.repeat(24 * 2 ** 20)}`);
      const bytes = sent().reduce((sum, { bytesIn }) => sum + bytesIn, 0);
      if (letter === 'a') expect(bytes).toBeLessThan(24 * 2 ** 20 - partBytes);
      else expect(bytes).toBeGreaterThan(24 * 2 ** 20);
    }
  });
});
