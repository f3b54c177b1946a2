/**
 * The rules for one file, used by the server to decide and by the client to refuse before it hashes. Which types a route
 * admits is in ./content-types.ts: it brings the table of formats with it, which a page does without.
 */
import { WaybillError } from './errors.ts';
import { formatSizes } from './format-bytes.ts';

export interface Limits {
  /**
   * Allowed types: `image/png`, `image/*`, or `*` + `/*` for any. A type stands for every spelling of its format:
   * `image/jpeg` admits `image/jpg`, and `text/csv` a .csv that Windows declares as Excel's. A wildcard never admits a
   * type that a browser executes ({@link isActiveType}); name it to allow it.
   * @default any type that is not active
   * @example ['image/*', 'application/pdf']
   */
  contentTypes?: readonly string[];
  /** Allowed file name extensions, lower case, without the dot. @default any @example ['pdf', 'docx'] */
  extensions?: readonly string[];
  /** The smallest file, in bytes; 0 allows empty files. @default 1 @example 0 */
  minBytes?: number;
  /** The largest file, in bytes. It is required: a route without a ceiling does not start. @example 5 * MiB */
  maxBytes: number;
  /**
   * Files in one request to the server, and in one `uploadAll` of the client. It does not bound what an owner stores in all:
   * see `quota.maxFiles`. @default 100 @example 1
   */
  maxFiles?: number;
}

/** Lower-case extension without the dot, at most 16 of `[a-z0-9]`; empty when the name has none that is safe. */
export function extensionOf(fileName: string): string {
  return /[^./\\]\.([a-z0-9]{1,16})$/i.exec(fileName)?.[1]?.toLowerCase() ?? '';
}

/** The error for a file with this name, or null. `contentType` goes into its details. */
export function checkExtension({ extensions }: Limits, fileName: string, contentType: string): WaybillError | null {
  if (!extensions || extensions.includes(extensionOf(fileName))) return null;
  return new WaybillError(
    'content_type_not_allowed',
    `Only files that end in ${extensions.map((one) => `.${one}`).join(', ')} are accepted here.`,
    { details: { contentType, extensions: [...extensions] } },
  );
}

/** The error for more files in one call than the route takes. */
export function tooManyFiles(files: number, maxFiles: number): WaybillError {
  const message = maxFiles === 1 ? 'Send one file at a time.' : `Send at most ${maxFiles} files at a time.`;
  return new WaybillError('too_many_files', message, { details: { maxFiles, files } });
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
