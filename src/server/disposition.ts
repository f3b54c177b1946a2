/**
 * How a stored file may be shown. The table is closed: a type that is not in it is downloaded.
 */
const inlineTypes: ReadonlySet<string> = new Set([
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
  'image/avif',
  'image/apng',
  'image/bmp',
  'image/heic',
  'image/heif',
  'image/jxl',
  'image/tiff',
  'image/x-icon',
  'image/vnd.microsoft.icon',
  'text/plain',
]);

/** Rendered by a viewer of the browser's own, without access to the origin it came from, but only there. */
const viewerTypes: ReadonlySet<string> = new Set(['application/pdf']);

/** Raster images, video, audio and plain text: nothing in them runs in the page's origin. */
export function inlineAnywhere(contentType: string): boolean {
  return inlineTypes.has(contentType) || /^(video|audio)\/[a-z0-9.-]+$/.test(contentType);
}

/** PDF as well: safe inline on the storage's origin, never on the app's. */
export function inlineOnStorageOrigin(contentType: string): boolean {
  return inlineAnywhere(contentType) || viewerTypes.has(contentType);
}

/**
 * RFC 6266 with the `filename*` of RFC 8187. Any string in, one header value of printable ASCII out. Runs of spaces are in
 * `filename*` only: signers and proxies fold them in a header, and then a signature no longer fits.
 */
export function contentDisposition(kind: 'inline' | 'attachment', fileName: string): string {
  const name = fileName.replace(/\p{Surrogate}/gu, '_');
  const ascii = name.replace(/[^\x20-\x7e]|["\\%]/gu, '_').replace(/ {2,}/g, ' ');
  const fallback = `${kind}; filename="${ascii}"`;
  return ascii === name ? fallback : `${fallback}; filename*=UTF-8''${encodeExtended(name)}`;
}

/** RFC 8187 section 3.2.1: encodeURIComponent leaves ' ( ) * alone, which are not attr-chars. */
function encodeExtended(name: string): string {
  return encodeURIComponent(name).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
