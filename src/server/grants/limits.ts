import { checkExtension, checkSize, typeNotAllowed, type WaybillError } from '../../protocol/index.ts';
import type { ResolvedRoute } from '../config.ts';

/**
 * Returns the error for the first limit of the route that this file breaks, or null.
 *
 * @param isTypeAllowed whether the route allows the content type of the file
 */
export function findBrokenLimit(
  { limits }: ResolvedRoute,
  file: { fileName: string; contentType: string; size: number | null },
  isTypeAllowed: boolean,
): WaybillError | null {
  const { fileName, contentType, size } = file;
  // The size of a stream is not known yet. It is checked at the completion.
  return (
    (size === null ? null : checkSize(limits, size)) ??
    (isTypeAllowed ? null : typeNotAllowed(limits, contentType)) ??
    checkExtension(limits, fileName, contentType)
  );
}
