/**
 * checks: the law of ../../protocol on limits, types by extension, names that are too long. Loaded only for a file that
 * has no type or a long name, or is about to be refused: then its owner deserves the exact words.
 */

import type { RouteInfo, WaybillError } from '../../protocol/index.ts';
import { checkLimits } from '../../protocol/limits.ts';
import { contentTypeOf } from './content-type.ts';
import { shorten } from './file-name.ts';

/** Amends what can be amended, and refuses what the server would refuse. A stream has no size yet. */
export function judge(
  limits: RouteInfo['limits'],
  facts: { fileName: string; contentType: string },
  size: number | null,
): WaybillError | null {
  facts.contentType ||= contentTypeOf(facts.fileName);
  facts.fileName = shorten(facts.fileName);
  return checkLimits(limits, { ...facts, size: size ?? limits.minBytes });
}

export { contentTypeOf };
