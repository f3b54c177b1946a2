/** The public types of client/prepare. */
import type { Messages } from '../types.ts';

export interface PrepareContext {
  /** Aborts when the upload is paused or aborted. */
  signal: AbortSignal;
  /** Reports how much is done, from 0 to 1. It becomes `prepared` of the snapshot. */
  onProgress: (fraction: number) => void;
}

/**
 * Makes the file that is sent out of the file that the user chose. Return the same object to send the file unchanged.
 * What it throws fails the upload, and nothing is sent: a `WaybillError` as it is, anything else as
 * `source_unreadable`.
 */
export interface Prepare {
  (file: File, context: PrepareContext): Promise<File>;
  /** The default of the option `description` of {@link withPrepare}. */
  readonly description?: string;
}

export interface PrepareOptions {
  /**
   * Makes the file that is sent. It runs for two files at a time.
   * @example prepareImage({ maxWidth: 2048, maxHeight: 2048 })
   */
  prepare: Prepare;
  /**
   * Names this preparation and its version, so that an upload in parts can continue after a reload: the same file with
   * the same description must give the same bytes. Where the bytes differ, the upload starts again. Without one, a
   * prepared file is not remembered.
   * @default the one of `prepare`, if it has one, as `prepareImage()` does @example 'watermark 2'
   */
  description?: string;
  /** A number n with 0 <= n < 1, for the `id` of uploads. @default Math.random */
  random?: () => number;
  /**
   * The app's own messages for files that cannot be prepared, as in `createClient`.
   * @default English @example { source_unreadable: 'Dieses Bild kann nicht gelesen werden.' }
   */
  messages?: Messages;
}

/** Pixels of the image as it is shown, after its orientation was applied. Fractions are rounded. */
export interface Crop {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Decodes an image that the browser cannot decode. */
export type DecodeImage = (image: Blob, signal: AbortSignal) => Promise<ImageBitmap>;

export interface ImageOptions {
  /** Pixels. A wider image is made smaller, and keeps its proportions. @default no limit @example 2048 */
  maxWidth?: number;
  /** Pixels. A higher image is made smaller, and keeps its proportions. @default no limit @example 2048 */
  maxHeight?: number;
  /**
   * The type of the result. A browser that cannot encode WebP (Safari) makes a JPEG, or a PNG if there is transparency.
   * Transparent pixels become white in a JPEG.
   * @default the type of the file, if it is one of these; GIF becomes PNG, and any other type JPEG
   * @example 'image/webp'
   */
  contentType?: 'image/jpeg' | 'image/png' | 'image/webp';
  /**
   * The quality of JPEG and WebP, from 0 to 1. An image that needs no other change is only encoded again when a quality
   * is given.
   * @default 0.85 @example 0.7
   */
  quality?: number;
  /**
   * Bytes. The quality is lowered to 0.5 at most, and then the image is made smaller, until the result fits.
   * @default no limit @example 1_000_000
   */
  maxBytes?: number;
  /**
   * The part of the image to keep. `maxWidth` and `maxHeight` apply to this part.
   * @default the whole image @example { x: 0, y: 0, width: 600, height: 600 }
   */
  crop?: Crop;
  /**
   * Decodes HEIC where the browser cannot (Chromium, Firefox): `decodeHeic` of `waybill/client/prepare/heic`.
   * @default none: such a file fails with `source_unreadable` @example decodeHeic
   */
  decodeHeic?: DecodeImage;
}
