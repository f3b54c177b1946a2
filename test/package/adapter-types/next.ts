import { nextRequest, toNextHandler } from 'waybill/adapters/next';
import { create } from './create.js';

/** A part of Next's type of this name. Next itself is large, so only the tests that build an app install it. */
interface NextRequest extends Request {
  cookies: { get(name: string): { value: string } | undefined };
}

export const uploads = create((request) => nextRequest<NextRequest>(request).cookies.get('user')?.value);
export const { GET, POST, DELETE } = toNextHandler(uploads);
/** The type of a route handler: https://nextjs.org/docs/app/api-reference/file-conventions/route */
type RouteHandler = (request: NextRequest, context: { params: Promise<{ path: string[] }> }) => Promise<Response>;
const handlers: RouteHandler[] = [GET, POST, DELETE];
void handlers;
// @ts-expect-error these are no uploads
toNextHandler({ handle: 'nothing' });
