import { typeNotAllowed } from '../../protocol/content-types.ts';
import type { WaybillError } from '../../protocol/errors.ts';
import { checkExtension, checkSize } from '../../protocol/limits.ts';
import type { ResolvedRoute } from '../config.ts';

/** What the limits of the route say of this file, or null. */
export function refusalOf(
  { limits }: ResolvedRoute,
  file: { fileName: string; contentType: string; size: number | null },
  admitted: boolean,
): WaybillError | null {
  const { fileName, contentType, size } = file;
  // A stream may turn out to have any size that the route takes; which it had, its completion tells.
  return (
    (size === null ? null : checkSize(limits, size)) ??
    (admitted ? null : typeNotAllowed(limits, contentType)) ??
    checkExtension(limits, fileName, contentType)
  );
}
