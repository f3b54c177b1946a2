import { type EncodedType, JobError, type Rectangle, type RenderJob } from './job.ts';

type Canvas = OffscreenCanvas | HTMLCanvasElement;

/** A lower quality shows blocks. Below it, the image is made smaller instead. */
const minQuality = 0.5;
/** Each step halves the range of qualities: five steps find the quality to within two hundredths. */
const qualitySteps = 5;
/** Each round makes the image smaller by a tenth or more. */
const maxRounds = 12;
/** Safari draws nothing into a larger canvas, and reports no error. https://developer.apple.com/forums/thread/71690 */
const safeArea = 4096 * 4096;

/** @throws JobError */
export async function renderImage(job: RenderJob, onProgress: (fraction: number) => void): Promise<Blob> {
  const bitmap = await decode(job.image);
  try {
    onProgress(0.4);
    const whole = { x: 0, y: 0, width: bitmap.width, height: bitmap.height };
    const area = job.crop ? intersect(job.crop, whole) : whole;
    let scale = Math.min(1, job.maxWidth / area.width, job.maxHeight / area.height);
    for (let round = 0; round < maxRounds; round++) {
      const canvas = draw(bitmap, area, scale, job.contentType);
      onProgress(0.6);
      const { blob, smallest } = await encodeWithin(canvas, job, (fraction) => onProgress(0.6 + 0.4 * fraction));
      release(canvas);
      if (blob) return blob;
      scale *= Math.min(0.9, Math.max(0.3, Math.sqrt(job.maxBytes / smallest) * 0.95));
    }
    throw new JobError('too large', `The image cannot be encoded in ${job.maxBytes} bytes.`);
  } finally {
    bitmap.close();
  }
}

async function decode(image: Blob | ImageBitmap): Promise<ImageBitmap> {
  if ('close' in image) return image;
  try {
    // Older browsers do not know the value, and apply the orientation by default.
    return await createImageBitmap(image, { imageOrientation: 'from-image' }).catch((error) => {
      if (error instanceof TypeError) return createImageBitmap(image);
      throw error;
    });
  } catch (error) {
    throw new JobError('unreadable', `The browser cannot decode this image: ${error}`);
  }
}

function intersect(crop: Rectangle, whole: Rectangle): Rectangle {
  const x = Math.max(0, Math.round(crop.x));
  const y = Math.max(0, Math.round(crop.y));
  const width = Math.min(whole.width, Math.round(crop.x + crop.width)) - x;
  const height = Math.min(whole.height, Math.round(crop.y + crop.height)) - y;
  if (!(width > 0 && height > 0))
    throw new JobError('empty crop', `\`crop\` is outside of the image, which has ${whole.width} x ${whole.height}.`);
  return { x, y, width, height };
}

function draw(bitmap: ImageBitmap, area: Rectangle, scale: number, contentType: EncodedType): Canvas {
  const width = Math.max(1, Math.round(area.width * scale));
  const height = Math.max(1, Math.round(area.height * scale));
  let source: CanvasImageSource = bitmap;
  let from = area;
  // Browsers look at few pixels around each point, so scaling by more than half at once would skip pixels.
  while (from.width >= 2 * width && from.height >= 2 * height && from.width > 2 && from.height > 2) {
    const half = { x: 0, y: 0, width: Math.ceil(from.width / 2), height: Math.ceil(from.height / 2) };
    const canvas = paint(source, from, half.width, half.height, contentType);
    if (source !== bitmap) release(source as Canvas);
    source = canvas;
    from = half;
  }
  const canvas = paint(source, from, width, height, contentType);
  if (source !== bitmap) release(source as Canvas);
  return canvas;
}

function paint(
  source: CanvasImageSource,
  from: Rectangle,
  width: number,
  height: number,
  contentType: EncodedType,
): Canvas {
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D | null;
  if (!context) throw new JobError('out of memory', `There is no canvas of ${width} x ${height} pixels.`);
  if (width * height > safeArea) assertUsable(context, width, height);
  // JPEG has no transparency, and browsers would make transparent pixels black.
  if (contentType === 'image/jpeg') {
    context.fillStyle = '#fff';
    context.fillRect(0, 0, width, height);
  }
  context.imageSmoothingQuality = 'high';
  context.drawImage(source, from.x, from.y, from.width, from.height, 0, 0, width, height);
  return canvas;
}

function createCanvas(width: number, height: number): Canvas {
  if (globalThis.OffscreenCanvas) return new OffscreenCanvas(width, height);
  return Object.assign(document.createElement('canvas'), { width, height });
}

function assertUsable(context: OffscreenCanvasRenderingContext2D, width: number, height: number): void {
  context.fillRect(width - 1, height - 1, 1, 1);
  if (context.getImageData(width - 1, height - 1, 1, 1).data[3] === 0)
    throw new JobError('out of memory', `This browser has no canvas of ${width} x ${height} pixels: set \`maxWidth\`.`);
  context.clearRect(0, 0, width, height);
}

/** Frees the pixels now, because Safari counts them until the canvas is collected. */
function release(canvas: Canvas): void {
  canvas.width = canvas.height = 0;
}

/** Searches the highest quality that fits. `blob` is undefined when none does; then `smallest` is the size in bytes. */
async function encodeWithin(
  canvas: Canvas,
  { contentType, quality, maxBytes }: RenderJob,
  onProgress: (fraction: number) => void,
): Promise<{ blob: Blob | undefined; smallest: number }> {
  const first = await encode(canvas, contentType, quality);
  onProgress(0.3);
  if (first.size <= maxBytes) return { blob: first, smallest: first.size };
  let low = Math.min(minQuality, quality);
  // PNG has no quality, and Safari encodes PNG when it cannot encode the wanted type.
  if (first.type === 'image/png' || low === quality) return { blob: undefined, smallest: first.size };
  let best = await encode(canvas, contentType, low);
  if (best.size > maxBytes) return { blob: undefined, smallest: best.size };
  let high = quality;
  for (let step = 0; step < qualitySteps; step++) {
    onProgress(0.4 + (0.6 * step) / qualitySteps);
    const middle = (low + high) / 2;
    const blob = await encode(canvas, contentType, middle);
    if (blob.size > maxBytes) high = middle;
    else {
      low = middle;
      best = blob;
    }
  }
  return { blob: best, smallest: best.size };
}

async function encode(canvas: Canvas, wanted: EncodedType, quality: number): Promise<Blob> {
  const blob = await toBlob(canvas, wanted, quality);
  // Safari does not encode WebP, and gives a PNG, which is much larger for a photo.
  if (blob.type === wanted || wanted !== 'image/webp' || hasTransparency(canvas)) return blob;
  return toBlob(canvas, 'image/jpeg', quality);
}

async function toBlob(canvas: Canvas, type: string, quality: number): Promise<Blob> {
  const blob =
    'convertToBlob' in canvas
      ? await canvas.convertToBlob({ type, quality })
      : await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, type, quality));
  if (!blob) throw new JobError('out of memory', 'The browser could not encode the image.');
  return blob;
}

function hasTransparency(canvas: Canvas): boolean {
  const context = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D;
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  for (let at = 3; at < data.length; at += 4) if (data[at] !== 255) return true;
  return false;
}
