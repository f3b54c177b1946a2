/**
 * checks: the rules of ../../protocol/limits.ts on sizes and extensions, and names that are too long. It is loaded for
 * a file that has a long name or will probably be refused, so that its user reads the exact reason. Only the server
 * checks types, because a page would have to load the table of formats.
 */

import type { RouteInfo, WaybillError } from '../../protocol/index.ts';
import { checkExtension, checkSize, tooManyFiles } from '../../protocol/limits.ts';

export { shorten } from './file-name.ts';

/** The error that the server would give, or null. @param size null for a stream @param count files in the same call */
export function checkFile(
  limits: RouteInfo['limits'],
  { fileName, contentType }: { fileName: string; contentType: string },
  size: number | null,
  count: number,
): WaybillError | null {
  if (count > limits.maxFiles) return tooManyFiles(count, limits.maxFiles);
  return checkSize(limits, size ?? limits.minBytes) ?? checkExtension(limits, fileName, contentType);
}
