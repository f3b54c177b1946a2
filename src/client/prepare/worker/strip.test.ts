import exifr from 'exifr';
import { describe, expect, it } from 'vitest';
import { fixture } from '../../../../test/support/fixtures.ts';
import { gif, withJpegMetadata, withPngMetadata, withWebpMetadata } from '../../../../test/support/photos.ts';
import { JobError, type StripJob } from './job.ts';
import { stripMetadata } from './strip.ts';

/** An empty APP1 to APP15 segment with this name, as Photoshop, phones and other programs write them. */
function appSegment(marker: number, name: string): Buffer {
  const body = Buffer.from(`${name}\0a secret of this program`, 'latin1');
  return Buffer.concat([Buffer.from([0xff, marker, 0, body.length + 2]), body]);
}

const afterStart = (jpeg: Buffer, ...segments: Buffer[]) =>
  Buffer.concat([jpeg.subarray(0, 2), ...segments, jpeg.subarray(2)]);

async function strip(bytes: Uint8Array, contentType: StripJob['contentType']): Promise<Buffer> {
  const stripped = await stripMetadata(new Blob([new Uint8Array(bytes)]), contentType);
  expect(stripped.type).toBe(contentType);
  return Buffer.from(await stripped.arrayBuffer());
}

/** The photo without the EXIF segment that its camera wrote. */
function bareJpeg(): Buffer {
  const photo = Buffer.from(fixture('camera.jpg').bytes);
  const begin = photo.indexOf(Buffer.from('Exif\0\0')) - 4;
  return Buffer.concat([photo.subarray(0, begin), photo.subarray(begin + 2 + photo.readUInt16BE(begin + 2))]);
}

const png = Buffer.from(fixture('quadrants.png').bytes);
const samples = {
  'image/jpeg': withJpegMetadata(bareJpeg(), 6),
  'image/png': withPngMetadata(png, 6),
  'image/webp': withWebpMetadata(fixture('quadrants.webp').bytes),
  'image/gif': gif(3),
} as const;
const samplesByType = Object.entries(samples) as [StripJob['contentType'], Buffer][];

describe('stripMetadata()', () => {
  it.each(['image/jpeg', 'image/png'] as const)('removes the place of a photo: %s', async (contentType) => {
    const photo = samples[contentType];
    expect(await exifr.gps(photo)).toMatchObject({ latitude: expect.closeTo(48.858, 2) });
    const stripped = await strip(photo, contentType);
    expect(await exifr.gps(stripped)).toBeUndefined();
  });

  it.each(samplesByType)('leaves no text of the camera or of the user in %s', async (contentType, photo) => {
    const text = /secret|Waybill|Exif|EXIF|eXIf|xmpmeta/;
    expect(photo.toString('latin1')).toMatch(text);
    expect((await strip(photo, contentType)).toString('latin1')).not.toMatch(text);
  });

  it('keeps every byte of the image itself', async () => {
    expect((await strip(samples['image/jpeg'], 'image/jpeg')).equals(bareJpeg())).toBe(true);
    expect((await strip(samples['image/png'], 'image/png')).equals(png)).toBe(true);
  });

  it('removes a segment of a JPEG that it does not know, and keeps what the colours need', async () => {
    const profile = appSegment(0xe2, 'ICC_PROFILE');
    const transform = appSegment(0xee, 'Adobe');
    const others = [
      appSegment(0xe1, 'Exif'),
      appSegment(0xe2, 'MPF'),
      appSegment(0xe3, 'Meta'),
      appSegment(0xe0, 'JFXX'),
      appSegment(0xed, 'Photoshop 3.0'),
      appSegment(0xef, 'Other'),
    ];
    // A marker may be preceded by fill bytes.
    const stripped = await strip(
      afterStart(bareJpeg(), profile, ...others, Buffer.from([0xff]), transform),
      'image/jpeg',
    );
    expect(stripped.equals(afterStart(bareJpeg(), profile, transform))).toBe(true);
  });

  it('removes the metadata between the scans of a JPEG', async () => {
    const bare = bareJpeg();
    const end = bare.length - 2;
    const photo = Buffer.concat([bare.subarray(0, end), appSegment(0xe1, 'Exif'), bare.subarray(end)]);
    expect((await strip(photo, 'image/jpeg')).equals(bare)).toBe(true);
  });

  it('tells the readers of a WebP that it has no EXIF', async () => {
    const flagsAt = 20;
    expect((samples['image/webp'][flagsAt] as number) & 0x08).toBe(0x08);
    const stripped = await strip(samples['image/webp'], 'image/webp');
    expect((stripped[flagsAt] as number) & 0x0c).toBe(0);
    expect(stripped.readUInt32LE(4)).toBe(stripped.length - 8);
  });

  it.each(samplesByType)('rejects %s at every place where it is cut off', async (contentType, photo) => {
    const whole = contentType === 'image/jpeg' ? bareJpeg() : photo;
    const step = Math.ceil(whole.length / 50);
    for (let length = 14; length < whole.length - 2; length += step)
      await expect(strip(whole.subarray(0, length), contentType), `${length} bytes`).rejects.toThrow(JobError);
  });
});
