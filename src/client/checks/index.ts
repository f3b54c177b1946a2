/**
 * checks: the rules of ../../protocol/limits.ts on sizes and extensions, and names that are too long. Loaded only for a file
 * that has a long name or is about to be refused: then its owner deserves the exact words. Types are for the server to
 * decide, which knows every spelling of each; a page would have to carry the table of formats.
 */

import type { RouteInfo, WaybillError } from '../../protocol/index.ts';
import { checkExtension, checkSize, tooManyFiles } from '../../protocol/limits.ts';
import { shorten } from './file-name.ts';

/** Amends what can be amended, and refuses what the server would refuse. A stream has no size yet. */
export function judge(
  limits: RouteInfo['limits'],
  facts: { fileName: string; contentType: string },
  size: number | null,
  count: number,
): WaybillError | null {
  facts.fileName = shorten(facts.fileName);
  if (count > limits.maxFiles) return tooManyFiles(count, limits.maxFiles);
  return checkSize(limits, size ?? limits.minBytes) ?? checkExtension(limits, facts.fileName, facts.contentType);
}
