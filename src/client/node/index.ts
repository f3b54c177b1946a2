/** client/node: the client for Node. It sends files from disk in constant memory, with progress. */
import type { RoutesOf, TypedUploads } from '../../protocol/index.ts';
import { createClientOn } from '../client.ts';
import type { CheckContent, Client, ClientOptions } from '../types.ts';
import { nodeTransport } from './transport.ts';

export type { ErrorCode, RouteInfo, StoredFile, WaybillError } from '../../protocol/index.ts';
export { isFailure as isWaybillError } from '../errors.ts';
export type * from '../types.ts';
export { type FileSource, type FileSourceOptions, fileSource } from './file-source.ts';
export { type FileResumeStoreOptions, fileResumeStore } from './resume-store.ts';
export { type NodeTransportOptions, nodeTransport } from './transport.ts';

/** Loads the table of formats with the first file. */
const checkContent: CheckContent = async (...file) => (await import('../check-content.ts')).checkContent(...file);

/**
 * The client for Node, over node:http. `endpoint` must be absolute.
 * @example const client = createClient<typeof uploads>({ endpoint: 'https://app.example/uploads' })
 */
export function createClient<U extends TypedUploads = TypedUploads>(options: ClientOptions): Client<RoutesOf<U>> {
  return createClientOn<U>({ transport: nodeTransport(), checkContent, ...options });
}
