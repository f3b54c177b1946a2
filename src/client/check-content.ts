/**
 * client/check-content: compares the first bytes of a file with its declared type before anything is sent. It contains
 * the table of formats (16 kB compressed), so only pages that import it load it. Its result is a warning: the server
 * checks what was stored, knows more formats, and decides.
 */
import { contentMismatch, headBytes, isText } from '../protocol/content/index.ts';
import { isNamedType, listOtherTypes, resolveContentType } from '../protocol/content-types.ts';
import type { RouteInfo, WaybillError } from '../protocol/index.ts';
import { failure } from './errors.ts';
import type { Source } from './types.ts';

/**
 * Null when the content may be what was declared; otherwise the error `content_type_mismatch`, which the server would
 * probably give as well. Pass this function to `createClient` as `checkContent`: its error becomes the snapshot's
 * `warning`.
 *
 * @param file a `Source`, or anything with its `size` and `read`
 * @param declared the name and type that will be declared
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
  // Either the server will refuse the type, or it will take the type from the bytes.
  if (!admitted || guessed === 'by-content') return null;
  const head = await file.read(0, Math.min(file.size, headBytes));
  let detected: string | null = null;
  for (const type of [contentType, ...listOtherTypes(contentTypes, { contentType, fileName, guessed })]) {
    const mismatch = await contentMismatch(type, head, isNamedType(contentTypes, type));
    // The server may recognise what this table does not. Text can be recognised here.
    if (mismatch === null || (mismatch === 'something unrecognised' && !isText(head))) return null;
    detected ??= mismatch === 'something unrecognised' ? 'text' : mismatch;
  }
  return failure(
    'content_type_mismatch',
    `This file says that it is ${contentType}, but its content looks like ${detected}. It may be refused.`,
    { details: { declared: contentType, detected } },
  );
}
