/**
 * Draws the small pictures of the list. They are drawn into a canvas of their size: an `img` of a photo would keep all
 * of its pixels in memory, and needs `blob:` in the page's content security policy.
 */
import { el, icon } from '../dom.ts';
import { icons } from './icons.ts';
import type { Row } from './row.ts';

/** Enough for 44 pixels on a dense screen. */
const pixels = 132;
/** Decoding a larger picture could take more memory than a page should use for a thumbnail. */
const maxPictureBytes = 60_000_000;

let last: Promise<unknown> = Promise.resolve();

/** One after the other, because each decodes a whole photo. A file without a picture keeps its extension. */
export function drawThumbnail(row: Row): Promise<void> {
  const drawn = last.then(() => draw(row)).catch(() => {});
  last = drawn;
  return drawn;
}

async function draw({ item, thumbnail, element }: Row): Promise<void> {
  const blob = item.found?.blob;
  if (!blob || !element.isConnected) return;
  if (blob.type.startsWith('image/')) {
    if (blob.size <= maxPictureBytes) thumbnail.replaceChildren(await pictureOf(blob));
  } else if (blob.type.startsWith('video/')) {
    const play = icon(icons.resume);
    play.setAttribute('class', 'play');
    thumbnail.replaceChildren(await posterOf(blob), play);
  }
}

async function pictureOf(blob: Blob): Promise<HTMLCanvasElement> {
  // The option applies the orientation of the camera. Only one side is given, so that the other follows.
  const bitmap = await createImageBitmap(blob, { resizeWidth: pixels * 2, resizeQuality: 'medium' });
  const canvas = drawCover(bitmap, bitmap.width, bitmap.height);
  bitmap.close();
  return canvas;
}

async function posterOf(blob: Blob): Promise<HTMLCanvasElement> {
  const video = el('video', { muted: true, playsinline: true, preload: 'auto' });
  video.muted = true;
  const url = URL.createObjectURL(blob);
  try {
    await new Promise((resolve, reject) => {
      video.onseeked = resolve;
      video.onerror = reject;
      // The first frame is often black.
      video.onloadeddata = () => {
        video.currentTime = Math.min(1, video.duration / 4 || 0);
      };
      video.src = url;
    });
    return drawCover(video, video.videoWidth, video.videoHeight);
  } finally {
    video.removeAttribute('src');
    video.load();
    URL.revokeObjectURL(url);
  }
}

/** The middle of the picture, as a square. */
function drawCover(source: CanvasImageSource, width: number, height: number): HTMLCanvasElement {
  const canvas = el('canvas');
  canvas.width = canvas.height = pixels;
  const scale = Math.max(pixels / width, pixels / height);
  const context = canvas.getContext('2d');
  if (!context || !Number.isFinite(scale)) throw new Error('This picture cannot be drawn.');
  context.imageSmoothingQuality = 'high';
  context.drawImage(source, (pixels - width * scale) / 2, (pixels - height * scale) / 2, width * scale, height * scale);
  return canvas;
}
