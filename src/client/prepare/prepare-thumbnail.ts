import { checkOptions, type OptionTable } from '../../protocol/check-options.ts';
import { failure } from '../errors.ts';
import { createImageWorkers } from './image-workers.ts';
import { imageOptionTable, prepareOne, toFile } from './prepare-image.ts';
import type { ImageOptions, PrepareContext } from './types.ts';
import { readPoster } from './video-poster.ts';

export interface ThumbnailOptions extends Omit<ImageOptions, 'crop'> {
  /**
   * Seconds into a video, from where its picture is taken; at most the middle of the video.
   * @default 1 @example 0
   */
  atSeconds?: number;
}

/** Can also be called without a context, for a preview in the page. */
export interface PrepareThumbnail {
  (file: File, context?: Partial<PrepareContext>): Promise<File>;
  readonly description: string;
}

const { crop, ...imageOptions } = imageOptionTable;
const optionTable: OptionTable<ThumbnailOptions> = {
  ...imageOptions,
  atSeconds: {
    expected: 'a number that is not negative',
    isValid: (value) => typeof value === 'number' && value >= 0 && Number.isFinite(value),
  },
};

/**
 * Makes a small picture of an image, or of one frame of a video: as a preview in the page, or as a second file that is
 * sent. The picture is upright and has no metadata. An animated image gives its first frame.
 *
 * @example
 * const thumbnail = prepareThumbnail({ maxWidth: 160, maxHeight: 160 });
 * const picture = await thumbnail(file).catch(() => null);
 * if (picture) img.src = URL.createObjectURL(picture);
 * @param options as of `prepareImage`; `maxWidth` and `maxHeight` are 320 by default
 * @throws WaybillError `config_invalid` for an unknown or invalid option; the function that it returns rejects with
 * `source_unreadable` for a file of which this browser makes no picture, and with the reason of its signal
 */
export function prepareThumbnail(options: ThumbnailOptions = {}): PrepareThumbnail {
  checkOptions('prepareThumbnail()', options, optionTable);
  const { atSeconds = 1, ...given } = options;
  const { decodeHeic, ...described } = { maxWidth: 320, maxHeight: 320, ...given };
  const workers = createImageWorkers();
  const entries = Object.entries({ ...described, atSeconds }).sort(([a], [b]) => (a < b ? -1 : 1));

  async function prepare(file: File, given: Partial<PrepareContext> = {}): Promise<File> {
    const context = { signal: new AbortController().signal, onProgress() {}, ...given };
    const imageOptions = { ...described, ...(decodeHeic && { decodeHeic }) };
    if (file.type.startsWith('video/')) {
      const poster = await readPoster(file, atSeconds, context.signal);
      const { maxWidth, maxHeight, contentType = 'image/jpeg', quality = 0.85, maxBytes = Infinity } = imageOptions;
      const size = { maxWidth, maxHeight, quality, maxBytes, crop: undefined };
      return toFile(await workers.run({ kind: 'render', image: poster, contentType, ...size }, context), file);
    }
    const picture = await prepareOne(file, imageOptions, workers, context, 'first frame');
    // Text, documents and SVG come back unchanged.
    if (picture === file) throw failure('source_unreadable', 'There is no picture of this file.');
    return picture;
  }

  return Object.assign(prepare, { description: `thumbnail 1 ${JSON.stringify(entries)}` });
}
