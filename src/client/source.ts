import type { FileLike, Source, StreamLike, UploadOptions } from './types.ts';

/** By shape, never `instanceof`: React Native and Cordova bring their own Blob and File. */
export function toSource(file: Exclude<FileLike, StreamLike>): Source {
  if ('read' in file) return file;
  const blob = 'byteLength' in file ? new Blob([file]) : file;
  return {
    size: blob.size,
    fileName: (blob as File).name,
    contentType: blob.type,
    read: async (start, end) => new Uint8Array(await blob.slice(start, end).arrayBuffer()),
    blob,
  };
}

/** Without parameters and in lower case, which is the only spelling that is signed. Empty when nobody knows. */
export function typeOf(source: Source, { contentType = source.contentType }: UploadOptions): string {
  return /^\s*([^\s;/]+\/[^\s;/]+)/.exec(contentType ?? '')?.[1]?.toLowerCase() ?? '';
}
