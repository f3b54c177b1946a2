/**
 * The rules for one file, used by the server as law and by the client to refuse before it hashes.
 */
import { WaybillError } from './errors.ts';
import { formatSizes } from './format-bytes.ts';

export interface Limits {
  /**
   * Allowed types: `image/png`, `image/*`, or `*` + `/*` for any. A wildcard never admits a type that a browser
   * executes ({@link activeContentTypes}); name it to allow it.
   * @default any type that is not active
   * @example ['image/*', 'application/pdf']
   */
  contentTypes?: readonly string[];
  /** Allowed file name extensions, lower case, without the dot. @default any */
  extensions?: readonly string[];
  /** Smallest file in bytes. @default 1 */
  minBytes?: number;
  /** Largest file in bytes. There is no default: a route without a ceiling does not start. */
  maxBytes: number;
  /** Files in one request. @default 10 */
  maxFiles?: number;
}

/** Types that a browser runs or that carry script in the page's origin. Wildcards exclude them. */
export const activeContentTypes: ReadonlySet<string> = new Set([
  'text/html',
  'application/xhtml+xml',
  'image/svg+xml',
  'text/xml',
  'application/xml',
  'text/xsl',
  'application/xslt+xml',
  'application/mathml+xml',
  'text/javascript',
  'application/javascript',
  'application/ecmascript',
  'text/ecmascript',
  'application/x-javascript',
  'application/wasm',
  'multipart/related',
  'message/rfc822',
  'application/x-mimearchive',
  'text/vtt+html',
]);

/** RFC 9110 section 8.3.1, without parameters: a parameter would make two spellings of one type. */
const contentTypeShape = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,62}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}$/;

export function isContentType(value: string): boolean {
  return contentTypeShape.test(value);
}

export function contentTypeAllowed(patterns: readonly string[] | undefined, contentType: string): boolean {
  if (!patterns) return !isActive(contentType);
  const [family] = contentType.split('/');
  return patterns.some(
    (pattern) =>
      pattern === contentType || ((pattern === '*/*' || pattern === `${family}/*`) && !isActive(contentType)),
  );
}

function isActive(contentType: string): boolean {
  return activeContentTypes.has(contentType) || contentType.endsWith('+xml');
}

/** Lower-case extension without the dot, at most 16 of `[a-z0-9]`; empty when the name has none that is safe. */
export function extensionOf(fileName: string): string {
  return /[^./\\]\.([a-z0-9]{1,16})$/i.exec(fileName)?.[1]?.toLowerCase() ?? '';
}

/** The error for a file that breaks the limits, or null. */
export function checkLimits(
  limits: Limits,
  file: { fileName: string; size: number; contentType: string },
): WaybillError | null {
  const refusal = checkSize(limits, file.size);
  if (refusal) return refusal;
  const { contentType } = file;
  if (!contentTypeAllowed(limits.contentTypes, contentType))
    return new WaybillError('content_type_not_allowed', `Files of the type ${contentType} are not accepted here.`, {
      details: { contentType, ...(limits.contentTypes ? { contentTypes: [...limits.contentTypes] } : {}) },
    });
  const extension = extensionOf(file.fileName);
  if (limits.extensions && !limits.extensions.includes(extension))
    return new WaybillError(
      'content_type_not_allowed',
      `Only files that end in ${limits.extensions.map((one) => `.${one}`).join(', ')} are accepted here.`,
      { details: { contentType, extensions: [...limits.extensions] } },
    );
  return null;
}

/** The error for a file of this many bytes, or null. */
export function checkSize({ minBytes = 1, maxBytes }: Limits, size: number): WaybillError | null {
  if (size > maxBytes) {
    const [is, limit] = formatSizes(size, maxBytes);
    return new WaybillError('file_too_large', `This file is too large: it has ${is}, and the limit is ${limit}.`, {
      details: { size, maxBytes },
    });
  }
  if (size >= minBytes) return null;
  const [is, least] = formatSizes(size, minBytes);
  const message =
    size === 0 ? 'This file is empty.' : `This file is too small: it has ${is}, and at least ${least} are needed.`;
  return new WaybillError('file_too_small', message, { details: { size, minBytes } });
}
