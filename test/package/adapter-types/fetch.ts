import { toFetchHandler } from 'waybill/adapters/fetch';
import { create } from './create.js';

export const uploads = create((request) => request.header('x-user'));
const handle: (request: Request) => Promise<Response> = toFetchHandler(uploads, () => new Response('other'));
void handle;
// @ts-expect-error these are no uploads
toFetchHandler({ handle: 'nothing' });
