/**
 * client/put: the smallest client. It has grants, PUT, completion, progress and retries. It has no queue, no batches,
 * no forms and no snapshots, and only the server checks the limits.
 */
import type {
  RouteInfo,
  RoutesOf,
  RouteTypes,
  SingleGrant,
  TypedUploads,
  WaybillError,
  WireError,
} from '../protocol/index.ts';
import { errorOf, isTemporary, normalizeEndpoint, originOf, retryAfter } from './answers.ts';
import { sendXhr } from './browser/xhr.ts';
import { checksumOf } from './checksum.ts';
import { failure, throwNetworkError, toFailure } from './errors.ts';
import { sleep } from './race.ts';
import { blobSource, contentTypeOf } from './source.ts';
import type { ClientOptions, OptionsFor, TransportRequest, TransportResponse, UploadResult } from './types.ts';

export type { StoredFile, WaybillError } from '../protocol/index.ts';
export { isFailure as isWaybillError } from './errors.ts';
export type { UploadResult } from './types.ts';

/**
 * A PUT is signed with `If-None-Match: *`, so a storage answers 412 when the object exists already: an earlier attempt
 * has arrived, and its answer was lost. Completion then verifies the object, by its checksum or on a `size-only` route
 * by its size.
 */
const alreadyStoredStatus = 412;

export type PutClientOptions = Pick<ClientOptions, 'endpoint' | 'headers' | 'credentials' | 'retries'>;

export type PutOptions<Route extends RouteTypes> = OptionsFor<Route> & {
  /** Called with the bytes sent so far. @default none @example (loaded) => (bar.value = loaded) */
  onProgress?: (loaded: number) => void;
};

export type Put<Routes extends Record<string, RouteTypes>> = <R extends keyof Routes & string>(
  route: R,
  file: Blob | Uint8Array,
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
  const { retries = 6 } = options;
  const endpoint = normalizeEndpoint(options.endpoint);
  const call = createCall(options, endpoint);

  async function put(
    route: string,
    file: Blob | Uint8Array,
    given: PutOptions<RouteTypes> = {},
  ): Promise<UploadResult> {
    const { signal = new AbortController().signal, metadata, onProgress } = given;
    let value: string | undefined;
    let granted: SingleGrant | undefined;
    let sent = false;
    for (let failures = 0; ; failures++) {
      try {
        const source = blobSource('size' in file ? file : new Blob([file as Uint8Array<ArrayBuffer>]));
        if (!granted) {
          const fileName = given.fileName || source.fileName;
          const contentType = contentTypeOf(source, given);
          const { checksum: algorithm } = (await call(
            `/routes/${encodeURIComponent(route)}`,
            signal,
          )) as unknown as RouteInfo;
          if (algorithm) value ??= await checksumOf(source, algorithm, signal);
          const checksum = algorithm && { algorithm, value };
          ({
            uploads: [granted],
          } = (await call('', signal, {
            route,
            files: [{ fileName, size: source.size, contentType, checksum, metadata }],
          })) as { uploads: [SingleGrant] });
        }
        if (!sent) {
          const { status, header } = await send(
            { ...granted.request, source, signal, onProgress },
            source.blob as Blob,
          );
          sent = status < 300 || status === alreadyStoredStatus;
          if (!sent) {
            // The request may have expired, so the next attempt asks for a new grant.
            granted = undefined;
            throw failure('storage_rejected', 'Uploads are not available right now.', {
              retryable: isTemporary(status) || !failures,
              retryAfterSeconds: retryAfter(header),
              status,
            });
          }
        }
        const {
          results: [{ file: stored, data, retryAfterSeconds }],
        } = (await call('/complete', signal, { grants: [granted.grant] })) as {
          results: [UploadResult & Partial<WaybillError>];
        };
        // The server has not completed the upload yet, because the storage needs time to copy a large object.
        if (!stored) throw failure('timeout', 'The upload takes long. Please try again.', { retryAfterSeconds });
        // The URL is relative to the server, which may have another origin than this page.
        return { data, file: { ...stored, url: stored.url.replace(/^(?=\/)/, originOf(endpoint)) } };
      } catch (cause) {
        if (signal.aborted) throw failure('aborted', 'The upload was cancelled.');
        const error = toFailure(cause);
        if (!error.retryable || failures >= retries) throw error;
        await sleep((error.retryAfterSeconds || 0) * 1000 + 500 * 2 ** failures * Math.random(), signal);
      }
    }
  }

  return put as Put<RoutesOf<U>>;
}

const send = (request: TransportRequest, body: Blob | string | null): Promise<TransportResponse> =>
  sendXhr(request, body).catch(throwNetworkError);

/**
 * Creates the function that calls the app's server. The answer may come from a proxy, so it may not be JSON. The batch
 * has one file, so the error of the file is the error of the call.
 */
function createCall({ headers, credentials }: PutClientOptions, endpoint: string) {
  return async (path: string, signal: AbortSignal, body?: object) => {
    const url = endpoint + path || '/';
    const ask = async () =>
      send(
        {
          signal,
          method: body ? 'POST' : 'GET',
          url,
          headers: { ...(body && { 'content-type': 'application/json' }), ...(await headers?.()) },
          credentials,
        },
        (body && JSON.stringify(body)) as string,
      );
    let answer = await ask();
    // The token may have expired, and `headers` may return a new one.
    if (answer.status === 401 && headers) answer = await ask();
    let error: WireError | undefined;
    try {
      const json = JSON.parse(answer.text);
      if (answer.status < 300) return json;
      error = json.error;
    } catch {}
    throw errorOf(answer, url, error);
  };
}
