/** Decides by the table of formats whether browsers show a file or save it. */
import { formatOf } from '../../protocol/formats/index.ts';

/**
 * Whether browsers may show this type on any origin: raster images, video, audio and plain text, which run no code in
 * the origin of the page.
 */
export function isInlineAnywhere(contentType: string): boolean {
  return formatOf(contentType)?.show === 'inline' || /^(video|audio)\/[a-z0-9.-]+$/.test(contentType);
}

/**
 * Whether browsers may show this type on the origin of the storage. A PDF is safe there, but on the origin of the app
 * its viewer would have the origin of the app.
 */
export function isInlineOnStorageOrigin(contentType: string): boolean {
  return isInlineAnywhere(contentType) || formatOf(contentType)?.show === 'viewer';
}

/**
 * RFC 6266 with the `filename*` of RFC 8187. The result is printable ASCII for every name. Repeated spaces are
 * in `filename*` only: signers and proxies fold them in a header, which would break the signature.
 */
export function contentDisposition(kind: 'inline' | 'attachment', fileName: string): string {
  const name = fileName.replace(/\p{Surrogate}/gu, '_');
  const ascii = name.replace(/[^\x20-\x7e]|["\\%]/gu, '_').replace(/ {2,}/g, ' ');
  const fallback = `${kind}; filename="${ascii}"`;
  return ascii === name ? fallback : `${fallback}; filename*=UTF-8''${encodeExtended(name)}`;
}

/** RFC 8187 section 3.2.1: encodeURIComponent does not encode ' ( ) *, which are no attr-chars. */
function encodeExtended(name: string): string {
  return encodeURIComponent(name).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Reads the name from a header of {@link contentDisposition}. Null for a header of another origin without a name. */
export function fileNameIn(header: string): string | null {
  const extended = /; filename\*=UTF-8''([^;]+)$/.exec(header)?.[1];
  if (extended === undefined) return /; filename="([^"\\]+)"/.exec(header)?.[1] ?? null;
  try {
    return decodeURIComponent(extended);
  } catch {
    return null;
  }
}
