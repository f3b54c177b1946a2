import { checkExtension, checkSize, typeNotAllowed, type WaybillError } from '../../protocol/index.ts';
import type { ResolvedRoute } from '../config.ts';

/** The error for the first limit of the route that this file breaks, or null. */
export function findBrokenLimit(
  { limits }: ResolvedRoute,
  file: { fileName: string; contentType: string; size: number | null },
  admitted: boolean,
): WaybillError | null {
  const { fileName, contentType, size } = file;
  // The size of a stream is checked when it is completed.
  return (
    (size === null ? null : checkSize(limits, size)) ??
    (admitted ? null : typeNotAllowed(limits, contentType)) ??
    checkExtension(limits, fileName, contentType)
  );
}
