/** How a stored file may be shown, by the table of formats: what is not in it is saved. */
import { formatOf } from '../../protocol/formats/index.ts';

/** Raster images, video, audio and plain text: nothing in them runs in the page's origin. */
export function inlineAnywhere(contentType: string): boolean {
  return formatOf(contentType)?.show === 'inline' || /^(video|audio)\/[a-z0-9.-]+$/.test(contentType);
}

/** PDF as well: safe inline on the storage's origin, never on the app's, where its viewer would have that origin. */
export function inlineOnStorageOrigin(contentType: string): boolean {
  return inlineAnywhere(contentType) || formatOf(contentType)?.show === 'viewer';
}

/**
 * RFC 6266 with the `filename*` of RFC 8187. Any string in, one header value of printable ASCII out. Runs of spaces are
 * in `filename*` only: signers and proxies fold them in a header, and then a signature no longer fits.
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
