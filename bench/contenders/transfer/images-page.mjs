/** Makes a photo, and resizes the photos of the input without sending them. */
import { prepareImage } from '../../../dist/client/prepare/index.js';
import { watchGaps } from './gaps.mjs';

const maxSide = 2048;
const quality = 0.85;
const options = { maxWidth: maxSide, maxHeight: maxSide, quality };

function waybill() {
  const prepare = prepareImage(options);
  const { signal } = new AbortController();
  return (file) => prepare(file, { signal, onProgress() {} });
}

/** The least code that resizes a photo: one step, without looking at the file. */
async function resizeHere(file) {
  const bitmap = await createImageBitmap(file);
  const scale = maxSide / Math.max(bitmap.width, bitmap.height);
  const canvas = new OffscreenCanvas(Math.round(bitmap.width * scale), Math.round(bitmap.height * scale));
  const context = canvas.getContext('2d');
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return canvas.convertToBlob({ type: 'image/jpeg', quality });
}

const ways = {
  here: () => resizeHere,
  waybill,
  /** As in a page whose content security policy forbids workers. */
  waybillHere() {
    globalThis.Worker = undefined;
    return waybill();
  },
};

/** Resizes two photos at a time, as the client does. */
globalThis.go = async ({ way }) => {
  const { files } = document.querySelector('input[type=file]');
  const resize = ways[way]();
  const results = [];
  const gaps = watchGaps();
  const start = performance.now();
  let next = 0;
  const lane = async () => {
    while (next < files.length) results.push(await resize(files[next++]));
  };
  await Promise.all([lane(), lane()]);
  const seconds = (performance.now() - start) / 1000;
  const longestGapMs = gaps.stop();
  return { seconds, longestGapMs, sizes: await Promise.all(results.map(sizeOf)) };
};

async function sizeOf(blob) {
  const bitmap = await createImageBitmap(blob);
  const size = `${blob.type} ${bitmap.width} x ${bitmap.height}`;
  bitmap.close();
  return size;
}

/** A JPEG in Base64, with areas and with details, so that it compresses as a photo does. */
globalThis.makePhoto = async (width, height) => {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  context.imageSmoothingQuality = 'high';
  for (const [divisor, alpha] of [
    [500, 1],
    [50, 0.5],
    [8, 0.3],
    [2, 0.15],
  ]) {
    context.globalAlpha = alpha;
    context.drawImage(noise(Math.ceil(width / divisor), Math.ceil(height / divisor)), 0, 0, width, height);
  }
  const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.9 });
  const reader = new FileReader();
  reader.readAsDataURL(blob);
  await new Promise((resolve) => reader.addEventListener('load', resolve));
  return reader.result.slice(reader.result.indexOf(',') + 1);
};

function noise(width, height) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  const image = context.createImageData(width, height);
  for (let at = 0; at < image.data.length; at++) image.data[at] = at % 4 === 3 ? 255 : Math.random() * 256;
  context.putImageData(image, 0, 0);
  return canvas;
}
