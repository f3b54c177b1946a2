/**
 * client/files: lists, renames and deletes stored files, on routes that allow it. It is an entry of its own, because
 * most pages only upload. It needs `fetch`, and no other part of the client.
 */
import type { RoutesOf, RouteTypes, StoredFile, TypedUploads, WireError } from '../protocol/index.ts';
import { errorOf, normalizeEndpoint, originOf } from './answers.ts';
import { failure, throwNetworkError, toFailure } from './errors.ts';
import { sleep } from './race.ts';
import type { ClientOptions } from './types.ts';

export type { StoredFile, WaybillError } from '../protocol/index.ts';
export { isFailure as isWaybillError } from './errors.ts';

export type FilesClientOptions = Pick<ClientOptions, 'endpoint' | 'headers' | 'credentials' | 'retries'>;

export interface FileCallOptions {
  /** Stops the call, which then fails with `aborted`. @default none @example AbortSignal.timeout(10_000) */
  signal?: AbortSignal | undefined;
}

export interface ListFilesOptions extends FileCallOptions {
  /** {@link FilesPage.cursor} of the previous page. @default the first page @example page.cursor */
  cursor?: string | null | undefined;
  /** Files in the page, from 1 to 100. @default 50 @example 20 */
  limit?: number | undefined;
  /** Whose files, where `authorizeList` of the route decides about it. @default the signed-in user @example 'u-2' */
  ownerId?: string | undefined;
}

export interface FilesPage {
  /** With a ledger those granted last first; without one in the order of their keys. */
  files: StoredFile[];
  /** Null on the last page. A page that is not the last may have fewer files than `limit`. */
  cursor: string | null;
}

/** A stored file, or its `url`. */
export type FileToChange = string | Pick<StoredFile, 'url'>;

export interface FilesClient<Routes extends Record<string, RouteTypes> = Record<string, RouteTypes>> {
  /**
   * Returns one page of the user's files on a route.
   *
   * @example const { files, cursor } = await client.listFiles('photos', { limit: 20 })
   * @throws WaybillError `route_not_found` where the route has no `authorizeList`, `forbidden`, `invalid_request`
   */
  listFiles(route: keyof Routes & string, options?: ListFilesOptions): Promise<FilesPage>;
  /**
   * Changes the name of a file, and returns the file with its new `url`. The earlier URL stays valid.
   *
   * @example const { url } = await client.renameFile(file, 'Holiday.jpg')
   * @throws WaybillError `upload_not_found`, also where the route has no `authorizeRename`, or `invalid_request`
   */
  renameFile(file: FileToChange, fileName: string, options?: FileCallOptions): Promise<StoredFile>;
  /**
   * Deletes a file for good. It succeeds when the file was deleted before.
   *
   * @example await client.deleteFile(file)
   * @throws WaybillError `upload_not_found` for a file of another owner, or `forbidden`
   */
  deleteFile(file: FileToChange, options?: FileCallOptions): Promise<void>;
}

interface Call {
  method: 'GET' | 'POST' | 'DELETE';
  url: string;
  body?: object;
}

/**
 * @example
 * const client = createFilesClient<typeof uploads>({ endpoint: '/uploads' });
 * const { files } = await client.listFiles('photos', { limit: 20 });
 * for (const file of files) await client.renameFile(file, `Holiday ${file.fileName}`);
 */
export function createFilesClient<U extends TypedUploads = TypedUploads>(
  options: FilesClientOptions,
): FilesClient<RoutesOf<U>> {
  const endpoint = normalizeEndpoint(options.endpoint);

  /** The URL in an answer is relative to the server, which may have another origin than this page. */
  const absolute = (file: StoredFile): StoredFile => ({
    ...file,
    url: file.url.replace(/^(?=\/)/, originOf(endpoint)),
  });

  return {
    async listFiles(route, { cursor, limit, ownerId, signal } = {}) {
      const query = new URLSearchParams({ route });
      for (const [name, value] of Object.entries({ cursor, limit, ownerId }))
        if (value !== undefined && value !== null) query.set(name, `${value}`);
      return callWithRetries(options, { method: 'GET', url: `${endpoint || '/'}?${query}` }, signal, (json) => {
        const { files, cursor: next } = json as FilesPage;
        return { files: files.map(absolute), cursor: next };
      });
    },
    async renameFile(file, fileName, { signal } = {}) {
      const call: Call = { method: 'POST', url: urlOf(endpoint, file), body: { fileName } };
      return callWithRetries(options, call, signal, (json) => absolute((json as { file: StoredFile }).file));
    },
    async deleteFile(file, { signal } = {}) {
      await callWithRetries(options, { method: 'DELETE', url: urlOf(endpoint, file) }, signal, () => undefined);
    },
  };
}

/**
 * The address of a file at the server of the endpoint. Only the reference is taken from the URL, so that a URL of
 * another origin never gets the user's headers and cookies.
 */
function urlOf(endpoint: string, file: FileToChange): string {
  const [path = ''] = (typeof file === 'string' ? file : file.url).split(/[?#]/, 1);
  const reference = path.slice(path.lastIndexOf('/') + 1);
  if (!/^[\w-]+\.[\w-]+$/.test(reference))
    throw failure('invalid_request', 'This file does not exist.', {
      details: { hint: 'Pass a stored file, or its `url`.' },
    });
  return `${endpoint.replace(/\/?[^/]*$/, '')}/files/${reference}`;
}

/** Every call can be repeated: a second rename or delete changes nothing more. */
async function callWithRetries<T>(
  options: FilesClientOptions,
  call: Call,
  signal: AbortSignal | undefined,
  parse: (json: unknown) => T,
): Promise<T> {
  const { retries = 6 } = options;
  const wanted = signal ?? new AbortController().signal;
  for (let failures = 0; ; failures++) {
    try {
      return await callOnce(options, call, wanted, parse);
    } catch (cause) {
      if (wanted.aborted) throw failure('aborted', 'The call was cancelled.');
      const error = toFailure(cause);
      if (!error.retryable || failures >= retries) throw error;
      const waitMs = (error.retryAfterSeconds || 0) * 1000 + 500 * 2 ** failures * Math.random();
      // An abort is reported by the next attempt.
      await sleep(waitMs, wanted).catch(() => {});
    }
  }
}

async function callOnce<T>(
  { headers, credentials }: FilesClientOptions,
  { method, url, body }: Call,
  signal: AbortSignal,
  parse: (json: unknown) => T,
): Promise<T> {
  const ask = async () =>
    fetch(url, {
      method,
      signal,
      headers: { ...(body && { 'content-type': 'application/json' }), ...(await headers?.()) },
      ...(body && { body: JSON.stringify(body) }),
      ...(credentials && { credentials }),
    }).catch(throwNetworkError);
  let response = await ask();
  // The token may have expired, and `headers` may return a new one.
  if (response.status === 401 && headers) response = await ask();
  const text = await response.text().catch(() => '');
  const answer = { status: response.status, text, header: (name: string) => response.headers.get(name) };
  let json: { error?: WireError } | undefined;
  try {
    if (text !== '') json = JSON.parse(text);
    if (response.ok && !json?.error) return parse(json);
  } catch {
    // The answer comes from something else than the upload server, or from one that is out of step with this app.
  }
  throw errorOf(answer, url, json?.error);
}
