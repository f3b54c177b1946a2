/**
 * client: sends files from a browser (or anything with fetch) straight to the storage. It sees the app's server through
 * the wire types of ../protocol, and the platform through two seams: source and transport.
 */
import type { RoutesOf, TypedUploads } from '../protocol/index.ts';
import { browserTransport } from './browser/transport.ts';
import { createClientOn } from './client.ts';
import type { Client, ClientOptions } from './types.ts';

export type { ErrorCode, RouteInfo, StoredFile, WaybillError } from '../protocol/index.ts';
export { isFailure as isWaybillError } from './errors.ts';
export type * from './types.ts';

/**
 * @example
 * const client = createClient<typeof uploads>({ endpoint: '/uploads' });
 * const { file, data } = await client.upload('avatar', input.files[0], { metadata: { crop: 'square' } }).done;
 */
export function createClient<U extends TypedUploads = TypedUploads>(options: ClientOptions): Client<RoutesOf<U>> {
  return createClientOn<U>({ transport: browserTransport, ...options });
}
