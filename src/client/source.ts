import type { FileLike, Source, StreamLike, UploadOptions } from './types.ts';

/** A source, or a stream, whose end nobody knows. */
export type OpenSource = Omit<Source, 'size'> & {
  readonly size: number | null;
  readonly stream?: StreamLike;
  /** Where a platform can hand a range to its transport without reading it. */
  slice?(start: number, end: number): Source;
  /** The file itself has yet to be asked for: permission for a handle that was kept. Called once. */
  open?(): Promise<OpenSource>;
  /** It was begun before: somebody else who sends it just now is a conflict. */
  readonly resumes?: string;
};

/** By shape, never `instanceof`: React Native and Cordova bring their own Blob and File. */
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
    // Chromium gives a vanished file a size of 0, and only reading the whole of it fails.
    read: async (start, end) => new Uint8Array(await (blob.size ? blob.slice(start, end) : blob).arrayBuffer()),
    blob,
  };
}

/** Without parameters and in lower case, which is the only spelling that is signed. Empty when nobody knows. */
export function typeOf(
  source: Pick<OpenSource, 'contentType'>,
  { contentType = source.contentType }: UploadOptions,
): string {
  return /[^\s;/]+\/[^\s;/]+/.exec(`${contentType}`)?.[0].toLowerCase() ?? '';
}
