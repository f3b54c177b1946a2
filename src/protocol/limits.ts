/**
 * The rules for one file. The server decides by them; the client applies them before it hashes a file. The rules for
 * content types are in ./content-types.ts, because they need the table of formats, which a page does not load.
 */
import { WaybillError } from './errors.ts';
import { formatSizes } from './format.ts';

export interface Limits {
  /**
   * Allowed types: `image/png`, `image/*`, or `*` + `/*` for any. A type includes every spelling of its format:
   * `image/jpeg` admits `image/jpg`, and `text/csv` admits a .csv that Windows declares as Excel. A wildcard never
   * admits a type that a browser executes ({@link isActiveType}); name such a type to allow it.
   * @default any type that is not active
   * @example ['image/*', 'application/pdf']
   */
  contentTypes?: readonly string[];
  /** Allowed file name extensions, lower case, without the dot. @default any @example ['pdf', 'docx'] */
  extensions?: readonly string[];
  /** The smallest file, in bytes; 0 allows empty files. @default 1 @example 0 */
  minBytes?: number;
  /** The largest file, in bytes. Required: a route without a limit does not start. @example 5 * MiB */
  maxBytes: number;
  /**
   * The most files in one request to the server, and in one `uploadAll` of the client. `quota.maxFiles` limits how many
   * files an owner stores. @default 100 @example 1
   */
  maxFiles?: number;
}

/** The extension in lower case, without the dot. Empty unless it consists of 1 to 16 letters and digits of ASCII. */
export function extensionOf(fileName: string): string {
  return /[^./\\]\.([a-z0-9]{1,16})$/i.exec(fileName)?.[1]?.toLowerCase() ?? '';
}

/** @returns the error for a file with this name, or null. @param contentType for the details of the error */
export function checkExtension({ extensions }: Limits, fileName: string, contentType: string): WaybillError | null {
  if (!extensions || extensions.includes(extensionOf(fileName))) return null;
  return new WaybillError(
    'content_type_not_allowed',
    `Only files that end in ${extensions.map((one) => `.${one}`).join(', ')} are accepted here.`,
    { details: { contentType, extensions: [...extensions] } },
  );
}

/** The error for more files in one request than the route allows. */
export function tooManyFiles(files: number, maxFiles: number): WaybillError {
  const message = maxFiles === 1 ? 'Send one file at a time.' : `Send at most ${maxFiles} files at a time.`;
  return new WaybillError('too_many_files', message, { details: { maxFiles, files } });
}

/** @returns the error for a file of this many bytes, or null */
export function checkSize({ minBytes = 1, maxBytes }: Limits, size: number): WaybillError | null {
  if (size > maxBytes) {
    const [actual, limit] = formatSizes(size, maxBytes);
    return new WaybillError('file_too_large', `This file is too large: it has ${actual}, and the limit is ${limit}.`, {
      details: { size, maxBytes },
    });
  }
  if (size >= minBytes) return null;
  const [actual, least] = formatSizes(size, minBytes);
  const message =
    size === 0 ? 'This file is empty.' : `This file is too small: it has ${actual}, and at least ${least} are needed.`;
  return new WaybillError('file_too_small', message, { details: { size, minBytes } });
}
