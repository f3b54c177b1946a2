/**
 * client/put: the smallest way to send a file. Permission, PUT, completion, progress and retries; no queue, no batches,
 * no forms, nothing to subscribe to, and the server alone refuses.
 */
import type { FileDeclaration, GrantedUpload, RoutesOf, RouteTypes, TypedUploads } from '../protocol/index.ts';
import { createApi, isTemporary } from './api.ts';
import { browserTransport } from './browser/transport.ts';
import { checksumOf } from './checksum.ts';
import { failure, isFailure } from './errors.ts';
import { createExchange } from './exchange.ts';
import { sleep } from './race.ts';
import { nameOf, toSource, typeOf } from './source.ts';
import type { ClientOptions, FileLike, OptionsFor, UploadResult } from './types.ts';

export type { StoredFile, WaybillError } from '../protocol/index.ts';
export { isFailure as isWaybillError } from './errors.ts';
export type { FileLike, UploadResult } from './types.ts';

export type PutClientOptions = Pick<ClientOptions, 'endpoint' | 'headers' | 'credentials' | 'retries' | 'transport'>;

export type PutOptions<Route extends RouteTypes> = OptionsFor<Route> & {
  /** Bytes sent so far. */
  onProgress?: (loaded: number) => void;
};

export type Put<Routes extends Record<string, RouteTypes>> = <R extends keyof Routes & string>(
  route: R,
  file: FileLike,
  ...options: undefined extends Routes[R]['metadata']
    ? [options?: PutOptions<Routes[R]>]
    : [options: PutOptions<Routes[R]>]
) => Promise<UploadResult<Routes[R]['data']>>;

/**
 * @example
 * const put = createPut<typeof uploads>({ endpoint: '/uploads' });
 * const { file } = await put('avatar', input.files[0], { metadata: { crop: 'square' } });
 * @throws WaybillError
 */
export function createPut<U extends TypedUploads = TypedUploads>(options: PutClientOptions): Put<RoutesOf<U>> {
  const { transport = browserTransport, retries = 6 } = options;
  const exchange = createExchange(transport, 60_000);
  const api = createApi(exchange, options, ['put']);

  async function put(route: string, file: FileLike, given: PutOptions<RouteTypes> = {}): Promise<UploadResult> {
    const { signal = new AbortController().signal, metadata, onProgress = () => {} } = given;
    const source = toSource(file);
    const fileName = nameOf(source, given);
    const contentType = typeOf(source, given) || (await import('./checks/index.ts')).contentTypeOf(fileName);
    let value: string | undefined;
    let granted: GrantedUpload | undefined;
    let sent = false;
    for (let failures = 0; ; failures++) {
      try {
        signal.throwIfAborted();
        if (!granted) {
          const { checksum: algorithm } = await api.routeInfo(route);
          if (algorithm) value ??= await checksumOf(source, algorithm, signal);
          const checksum = algorithm && { algorithm, value };
          granted = sound(
            await api.grant(route, [
              { fileName, size: source.size, contentType, checksum, metadata } as FileDeclaration,
            ]),
          );
        }
        if (!sent) {
          const { status } = await exchange({ ...granted.request, source }, signal, onProgress);
          // 412: an earlier attempt arrived and its answer was lost. Completion compares the checksum.
          sent = status < 300 || status === 412;
          const temporary = isTemporary(status) || status === 409;
          // What expired is asked for again, once.
          if (!sent && !temporary) granted = undefined;
          if (!sent)
            throw failure('storage_rejected', `Storage: ${status}`, { status, retryable: temporary || !failures });
        }
        return sound(await api.complete([(granted as GrantedUpload).grant]));
      } catch (cause) {
        if (signal.aborted) throw failure('aborted', 'Aborted', { cause });
        if (!isFailure(cause) || !cause.retryable || failures >= retries) throw cause;
        await sleep((cause.retryAfterSeconds ?? 0) * 1000 + 500 * 2 ** failures * Math.random(), signal);
      }
    }
  }

  return put as Put<RoutesOf<U>>;
}

/** The only item of a batch of one. */
function sound<T>([item]: T[]): Exclude<T, Error> {
  if (item instanceof Error) throw item;
  return item as Exclude<T, Error>;
}
