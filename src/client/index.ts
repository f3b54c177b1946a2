/**
 * client: sends files from a browser, or any platform with fetch, straight to the storage. It knows the app's server by
 * the wire types of ../protocol, and its platform by three interfaces: source, transport and resume store.
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
 * @throws {WaybillError} `config_invalid` for an unknown option
 */
export function createClient<U extends TypedUploads = TypedUploads>(options: ClientOptions): Client<RoutesOf<U>> {
  return createClientOn<U>({ transport: browserTransport, ...options });
}
