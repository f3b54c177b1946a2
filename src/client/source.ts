import type { FileLike, Source, StreamLike, UploadOptions } from './types.ts';

/** A source, or a stream. The size of a stream is null until the stream ends. */
export type OpenSource = Omit<Source, 'size'> & {
  readonly size: number | null;
  readonly stream?: StreamLike;
  /** For platforms whose transport can send a range of a file without reading it into memory first. */
  slice?(start: number, end: number): Source;
  /** Asks the user for permission to read a file whose handle was kept. Called before the file is read. */
  open?(): Promise<OpenSource>;
  /** The fingerprint of the upload that this file continues. The upload fails while another tab sends it. */
  readonly resumes?: string;
};

/** Checks the shape instead of `instanceof`, because React Native and Cordova have their own Blob and File. */
export function toSource(file: FileLike): OpenSource {
  // Node's streams have a `read` as well, but no size.
  if ('size' in file) return 'read' in file ? file : blobSource(file);
  return 'byteLength' in file
    ? blobSource(new Blob([file as Uint8Array<ArrayBuffer>]))
    : ({ size: null, stream: file } as OpenSource);
}

export function blobSource(blob: Blob): Source {
  return {
    size: blob.size,
    fileName: (blob as File).name,
    contentType: blob.type,
    // Chromium reports the size 0 for a deleted file. Reading a slice of it succeeds; reading the whole Blob fails.
    read: async (start, end) => new Uint8Array(await (blob.size ? blob.slice(start, end) : blob).arrayBuffer()),
    blob,
  };
}

/** Returns the type without parameters and in lower case, as it is signed. Empty when the type is unknown. */
export function contentTypeOf(
  source: Pick<OpenSource, 'contentType'>,
  { contentType = source.contentType }: UploadOptions,
): string {
  return /[^\s;/]+\/[^\s;/]+/.exec(`${contentType}`)?.[0].toLowerCase() ?? '';
}
