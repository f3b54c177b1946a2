/**
 * client/check-content: looks at the first bytes of a file before anything is sent, and says when they are not what was
 * declared. It carries the table of formats (16 kB compressed), so that a page loads it only when it asks for it. It decides nothing:
 * the server looks at what was stored, knows more formats, and is right.
 */
import { contentMismatch, headBytes, isText } from '../protocol/content/index.ts';
import { isNamedType, listOtherTypes, resolveContentType } from '../protocol/content-types.ts';
import type { RouteInfo, WaybillError } from '../protocol/index.ts';
import { failure } from './errors.ts';
import type { Source } from './types.ts';

/**
 * Null when nothing speaks against the declaration; else an error `content_type_mismatch`, which the server is likely to give
 * once it has the bytes. Give it to `createClient` as `checkContent`: then it is the snapshot's `warning`.
 *
 * @param file reads a range of the file: a `Source`, or anything with its `size` and `read`
 * @param declared its name and type, as they will be declared
 * @param limits of the route, as `client.routeInfo(route)` has them
 * @throws what `file.read` throws
 * @example
 * const client = createClient({
 *   endpoint: '/uploads',
 *   checkContent: async (...file) => (await import('waybill/client/check-content')).checkContent(...file),
 * });
 */
export async function checkContent(
  file: Pick<Source, 'size' | 'read'>,
  declared: { fileName: string; contentType: string },
  limits: Pick<RouteInfo['limits'], 'contentTypes'>,
): Promise<WaybillError | null> {
  const { contentTypes } = limits;
  const { fileName } = declared;
  const { contentType, admitted, guessed } = resolveContentType(contentTypes, declared.contentType, fileName);
  // Refused before anything is sent, or known by its bytes only.
  if (!admitted || guessed === 'by-content') return null;
  const head = await file.read(0, Math.min(file.size, headBytes));
  let detected: string | null = null;
  for (const type of [contentType, ...listOtherTypes(contentTypes, { contentType, fileName, guessed })]) {
    const mismatch = await contentMismatch(type, head, isNamedType(contentTypes, type));
    // What the table cannot tell the server may know. Text it is, or it is not.
    if (mismatch === null || (mismatch === 'something unrecognised' && !isText(head))) return null;
    detected ??= mismatch === 'something unrecognised' ? 'text' : mismatch;
  }
  return failure(
    'content_type_mismatch',
    `This file says that it is ${contentType}, but its content looks like ${detected}. It may be refused.`,
    { details: { declared: contentType, detected } },
  );
}
