/** What the page asks a worker to do with one image, and the answer. Both can be copied from thread to thread. */

/** Pixels of the image as it is shown, after its orientation was applied. */
export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The formats that browsers encode, and whose metadata can be removed without decoding. */
export type EncodedType = 'image/jpeg' | 'image/png' | 'image/webp';

/** Removes metadata, and copies the encoded pixels unchanged. */
export interface StripJob {
  kind: 'strip';
  image: Blob;
  contentType: EncodedType | 'image/gif';
}

/** Decodes, crops, scales and encodes an image. The result has no metadata, because only pixels are encoded. */
export interface RenderJob {
  kind: 'render';
  image: Blob | ImageBitmap;
  contentType: EncodedType;
  /** Undefined for the whole image. */
  crop: Rectangle | undefined;
  /** Pixels. A smaller image is not enlarged. */
  maxWidth: number;
  maxHeight: number;
  /** From 0 to 1. */
  quality: number;
  /** Bytes; `Infinity` for no limit. */
  maxBytes: number;
}

export type Job = StripJob | RenderJob;

/** Why a job failed: the image cannot be decoded, it cannot be made small enough, or there is no memory for it. */
export type JobFailure = 'unreadable' | 'too large' | 'out of memory' | 'empty crop';

export class JobError extends Error {
  readonly failure: JobFailure;

  constructor(failure: JobFailure, message: string) {
    super(message);
    this.failure = failure;
  }
}

export type Answer =
  | { id: number; progress: number }
  | { id: number; blob: Blob }
  | { id: number; failure: JobFailure; message: string };
