/**
 * filepond: the option `server` of FilePond, with Waybill's transfers. It describes the few types of FilePond that it
 * uses, so that it imports nothing of FilePond.
 */
import type { FilesClient } from '../client/files.ts';
import type { Client } from '../client/index.ts';
import type { RouteTypes, ViewResponse, WaybillError } from '../protocol/index.ts';

export interface FilePondServerOptions {
  /**
   * Deletes a file at the storage when the user removes it from FilePond after it was sent. The route's
   * `authorizeDelete` decides. @default none: removing it from FilePond deletes nothing
   * @example createFilesClient({ endpoint: '/uploads' })
   */
  files?: Pick<FilesClient, 'deleteFile'>;
}

export interface FilePondMetadata<T> {
  /**
   * Returns the metadata of a file, as the route declares it. The second argument is FilePond's own metadata, which is
   * not sent. It is optional only when the route's schema accepts `undefined`.
   * @default none @example (file, { caption }) => ({ caption: String(caption) })
   */
  metadata: (file: Blob, metadata: Record<string, unknown>) => T;
}

type OptionsArgument<T> = undefined extends T
  ? [options?: FilePondServerOptions & Partial<FilePondMetadata<T>>]
  : [options: FilePondServerOptions & FilePondMetadata<T>];

/** FilePond calls `abort` when the user cancels, and expects its own `abort` to be called then. */
interface Abortable {
  abort: () => void;
}

export interface FilePondServer {
  process(
    fieldName: string,
    file: Blob,
    metadata: Record<string, unknown>,
    load: (serverId: string) => void,
    error: (text: string) => void,
    progress: (isComputable: boolean, loaded: number, total: number) => void,
    abort: () => void,
  ): Abortable;
  revert: ((serverId: string, load: () => void, error: (text: string) => void) => void) | null;
  load(
    source: string,
    load: (file: Blob) => void,
    error: (text: string) => void,
    progress: (isComputable: boolean, loaded: number, total: number) => void,
    abort: () => void,
  ): Abortable;
  /** Null: FilePond keeps no file of its own on a server. */
  restore: null;
  /** Null: the bytes of a file at another site would have to pass through a server. */
  fetch: null;
}

/**
 * Creates the option `server` of FilePond. The id of a sent file (`file.serverId`, and the value of FilePond's hidden
 * input) is its stable URL. FilePond cannot pause: `client.pause()` and `client.resume()` do.
 *
 * @example
 * const client = createClient<typeof uploads>({ endpoint: '/uploads' });
 * FilePond.create(input, { server: filePondServer(client, 'photos') });
 */
export function filePondServer<Routes extends Record<string, RouteTypes>, R extends keyof Routes & string>(
  client: Client<Routes>,
  route: R,
  ...[options = {}]: OptionsArgument<Routes[R]['metadata']>
): FilePondServer {
  const { files, metadata: metadataOf }: FilePondServerOptions & Partial<FilePondMetadata<unknown>> = options;
  const { upload: start } = client as unknown as Client;
  return {
    process(_fieldName, file, metadata, load, error, progress, abort) {
      const upload = start(route, file, { metadata: metadataOf?.(file, metadata) });
      const stop = upload.subscribe(() => {
        const { loaded, total } = upload.getSnapshot();
        progress(total !== null, loaded, total ?? 0);
      });
      upload.done
        .then(
          (result) => load(result.file.url),
          (failure: WaybillError) => failure.code === 'aborted' || error(failure.message),
        )
        .finally(stop);
      return {
        abort() {
          upload.abort();
          abort();
        },
      };
    },
    revert: files
      ? (serverId, load, error) => {
          files.deleteFile(serverId).then(load, (failure: WaybillError) => error(failure.message));
        }
      : null,
    load(source, load, error, _progress, abort) {
      const controller = new AbortController();
      readFile(source, controller.signal).then(load, (failure: Error) => {
        if (!controller.signal.aborted) error(failure.message);
      });
      return {
        abort() {
          controller.abort();
          abort();
        },
      };
    },
    restore: null,
    fetch: null,
  };
}

/** A redirect to another origin would carry `Origin: null`, so the server is asked for the URL at the storage. */
async function readFile(url: string, signal: AbortSignal): Promise<Blob> {
  const answer = await fetch(`${url}?as=json`, { signal });
  if (!answer.ok) throw new Error(`This file cannot be loaded: the server answered ${answer.status}.`);
  const view: ViewResponse = await answer.json();
  const stored = await fetch(view.url, { signal });
  if (!stored.ok) throw new Error(`This file cannot be loaded: the storage answered ${stored.status}.`);
  return stored.blob();
}
