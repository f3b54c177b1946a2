import {
  checkOptions,
  functionRule,
  isObject,
  type OptionTable,
  wholeNumberRule,
} from '../../protocol/check-options.ts';
import type { WaybillError } from '../../protocol/index.ts';
import { failure, isFailure } from '../errors.ts';
import { type ImageFacts, readImageFacts } from './image-facts.ts';
import { createImageWorkers, type ImageWorkers } from './image-workers.ts';
import type { ImageOptions, Prepare, PrepareContext } from './types.ts';
import { type EncodedType, type Job, JobError } from './worker/job.ts';

const maxPixels = 65_535;
const defaultQuality = 0.85;

const extensions: Readonly<Record<EncodedType, string>> = {
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'image/webp': 'webp',
};

const isEncodedType = (type: unknown): type is EncodedType =>
  typeof type === 'string' && Object.hasOwn(extensions, type);

export const imageOptionTable: OptionTable<ImageOptions> = {
  maxWidth: wholeNumberRule(1, maxPixels),
  maxHeight: wholeNumberRule(1, maxPixels),
  contentType: { expected: `one of ${Object.keys(extensions).join(', ')}`, isValid: isEncodedType },
  quality: {
    expected: 'a number from 0 to 1',
    isValid: (value) => typeof value === 'number' && value >= 0 && value <= 1,
  },
  maxBytes: wholeNumberRule(1000, Number.MAX_SAFE_INTEGER),
  crop: {
    expected: 'an object with the numbers `x`, `y`, `width` and `height`',
    isValid: (value) =>
      isObject(value) &&
      ['x', 'y', 'width', 'height'].every((name) => Number.isFinite((value as Record<string, unknown>)[name])),
  },
  decodeHeic: functionRule,
};

/**
 * Prepares images in a worker: turns them upright, removes their metadata (the place, the camera, previews, comments),
 * and crops, scales and encodes them as the options say. Images are never enlarged.
 *
 * An image that needs no other change keeps its pixels exactly, and only its metadata is removed. Animated GIF, WebP
 * and PNG keep all their frames and their size, without metadata. Files that are not images, and SVG, are sent as they
 * are. An image that the browser cannot decode fails with `source_unreadable`, and nothing is sent.
 *
 * @example
 * const prepare = prepareImage({ maxWidth: 2048, maxHeight: 2048, maxBytes: 1_000_000 });
 * const photos = withPrepare(client, { prepare });
 * @throws WaybillError `config_invalid` for an unknown or invalid option
 */
export function prepareImage(options: ImageOptions = {}): Prepare {
  checkOptions('prepareImage()', options, imageOptionTable);
  const { decodeHeic, ...described } = options;
  const workers = createImageWorkers();
  const prepare = (file: File, context: PrepareContext) => prepareOne(file, options, workers, context);
  const entries = Object.entries(described).sort(([a], [b]) => (a < b ? -1 : 1));
  // The number changes when another version of this code gives other bytes.
  return Object.assign(prepare, { description: `image 1 ${JSON.stringify(entries)}` });
}

/** @throws WaybillError `source_unreadable`, `file_too_large` when the image cannot be made small enough */
export async function prepareOne(
  file: File,
  options: ImageOptions,
  workers: ImageWorkers,
  context: PrepareContext,
  frames: 'all frames' | 'first frame' = 'all frames',
): Promise<File> {
  const facts = await readImageFacts(file);
  context.signal.throwIfAborted();
  const declared = file.type.toLowerCase();
  if (!facts && (!declared.startsWith('image/') || declared.startsWith('image/svg'))) return file;
  try {
    const blob = await convert(file, facts, options, (job) => workers.run(job, context), frames, context.signal);
    context.onProgress(1);
    return toFile(blob, file);
  } catch (cause) {
    context.signal.throwIfAborted();
    throw toWaybillError(cause, file, options);
  }
}

async function convert(
  file: File,
  facts: ImageFacts | null,
  options: ImageOptions,
  run: (job: Job) => Promise<Blob>,
  frames: 'all frames' | 'first frame',
  signal: AbortSignal,
): Promise<Blob> {
  const type = facts?.contentType;
  const strip = () => run({ kind: 'strip', image: file, contentType: type as EncodedType | 'image/gif' });
  if (facts?.isAnimated && frames === 'all frames') {
    if (isEncodedType(type) || type === 'image/gif') return strip();
    throw new JobError('unreadable', `An animated ${type} would lose its frames. Convert it to WebP or to a video.`);
  }
  const { maxWidth = maxPixels, maxHeight = maxPixels, quality, maxBytes = Number.POSITIVE_INFINITY, crop } = options;
  const contentType =
    options.contentType ?? (isEncodedType(type) ? type : type === 'image/gif' ? 'image/png' : 'image/jpeg');
  const { width = Number.POSITIVE_INFINITY, height = Number.POSITIVE_INFINITY } = facts ?? {};
  const isSmallEnough = width <= maxWidth && height <= maxHeight;
  const keepsPixels = facts?.isUpright && !facts.isAnimated && type === contentType && !crop && isSmallEnough;
  // Browsers show many damaged images, so a failure is not the end.
  const stripped = keepsPixels ? await strip().catch(ignoreJobError) : undefined;
  if (stripped && stripped.size <= maxBytes && quality === undefined) return stripped;
  const size = { maxWidth, maxHeight, maxBytes, crop };
  const job: Job = { kind: 'render', image: file, contentType, quality: quality ?? defaultQuality, ...size };
  const encoded = await run(job).catch(async (error) => {
    const { decodeHeic } = options;
    if (type !== 'image/heic' || !decodeHeic || !(error instanceof JobError) || error.failure !== 'unreadable')
      throw error;
    return run({ ...job, image: await decodeHeic(file, signal) });
  });
  return stripped && stripped.size <= encoded.size ? stripped : encoded;
}

function ignoreJobError(error: unknown): undefined {
  if (!(error instanceof JobError)) throw error;
}

/** The name gets the extension of the new type. The time of change is kept, so that the result is always the same. */
export function toFile(blob: Blob, file: File): File {
  const { type } = blob;
  const extension = isEncodedType(type) ? extensions[type] : undefined;
  const endings = extension === 'jpg' ? ['.jpg', '.jpeg'] : [`.${extension}`];
  const name =
    !extension || endings.some((ending) => file.name.toLowerCase().endsWith(ending))
      ? file.name
      : `${file.name.replace(/\.[a-z0-9]{1,5}$/i, '')}.${extension}`;
  return new File([blob], name, { type, lastModified: file.lastModified });
}

function toWaybillError(cause: unknown, file: File, { maxBytes = 0 }: ImageOptions): WaybillError {
  if (isFailure(cause)) return cause;
  const hint = cause instanceof JobError ? cause.message : `${cause}`;
  if (cause instanceof JobError && cause.failure === 'too large')
    return failure('file_too_large', 'This image cannot be made small enough.', {
      details: { size: file.size, maxBytes, hint },
    });
  return failure('source_unreadable', 'This image cannot be read.', { cause, details: { hint } });
}
