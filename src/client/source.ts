import type { FileLike, Source, StreamLike, UploadOptions } from './types.ts';

/** A source, or a stream, whose size is unknown until it ends. */
export type OpenSource = Omit<Source, 'size'> & {
  readonly size: number | null;
  readonly stream?: StreamLike;
  /** For platforms that can give a range to the transport without reading it. */
  slice?(start: number, end: number): Source;
  /** Asks the user for permission to read a file whose handle was kept. Called before the file is read. */
  open?(): Promise<OpenSource>;
  /** The fingerprint of the upload that this file continues. It is a conflict when another tab sends it now. */
  readonly resumes?: string;
};

/** Goes by the shape, not by `instanceof`: React Native and Cordova have a Blob and a File of their own. */
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
    // Chromium gives a vanished file the size 0, and only reading all of it fails.
    read: async (start, end) => new Uint8Array(await (blob.size ? blob.slice(start, end) : blob).arrayBuffer()),
    blob,
  };
}

/** Without parameters and in lower case, because only this spelling is signed. Empty when the type is unknown. */
export function contentTypeOf(
  source: Pick<OpenSource, 'contentType'>,
  { contentType = source.contentType }: UploadOptions,
): string {
  return /[^\s;/]+\/[^\s;/]+/.exec(`${contentType}`)?.[0].toLowerCase() ?? '';
}
