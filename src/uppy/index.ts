/**
 * uppy: an uploader plugin for Uppy 5 and 6. Uppy has the files and the user interface, such as its Dashboard, and
 * Waybill's client sends the files. The plugin passes on what the client reports and what the user of Uppy wants.
 */
import { BasePlugin, type Body, type Meta, type PluginOpts, type Uppy, type UppyFile } from '@uppy/core';
import type { Client, Upload } from '../client/index.ts';
import type { RouteInfo, RoutesOf, StoredFile, TypedUploads, WaybillError } from '../protocol/index.ts';

/**
 * What `upload-success` and `file.response.body` of Uppy contain, as Uppy's type of a body: the stored file, and what
 * the route's `onComplete` returned.
 *
 * @example const uppy = new Uppy<Meta, UploadedBody<{ photoId: number }>>()
 */
export type UploadedBody<Data = unknown> = { file: StoredFile; data: Data };

export interface UploaderMetadata<T> {
  /**
   * Returns the metadata of a file, as the route declares it. Uppy's own metadata (`file.meta`) is not sent, except the
   * name. It is optional only when the route's schema accepts `undefined`.
   * @default none @example (file) => ({ caption: String(file.meta.caption) })
   */
  metadata: (file: UppyFile<Meta, Body>) => T;
}

/**
 * The options of {@link WaybillUploader}. `uppy.use` cannot check the name of a route; `satisfies` does.
 *
 * @example
 * const options = { client, route: 'photos' } satisfies UploaderOptions<typeof uploads, 'photos'>;
 */
export type UploaderOptions<
  U extends TypedUploads = TypedUploads,
  R extends keyof RoutesOf<U> & string = keyof RoutesOf<U> & string,
> = PluginOpts & {
  /**
   * Sends the files. Its `concurrency` and `retries` replace the limits of Uppy's own uploaders.
   * @example createClient<typeof uploads>({ endpoint: '/uploads' })
   */
  client: Client<RoutesOf<U>>;
  /** The route of the app's upload server. @example 'photos' */
  route: R;
  /**
   * Sets Uppy's `restrictions` to the limits of the route, where the app has set none, so that Uppy refuses a file when
   * it is added. Files that are added before the server has answered are refused when they are sent.
   * @default true @example false
   */
  restrictions?: boolean;
} & (undefined extends RoutesOf<U>[R]['metadata']
    ? Partial<UploaderMetadata<RoutesOf<U>[R]['metadata']>>
    : UploaderMetadata<RoutesOf<U>[R]['metadata']>);

interface Sending {
  upload: Upload;
  /** What the upload was started with. When the user has edited the file since then, a retry is a new upload. */
  file: UppyFile<Meta, Body>;
}

/**
 * Uppy's uploader for Waybill. Errors of an upload are in `upload-error`, whose `cause` is the `WaybillError`.
 *
 * @example
 * const uppy = new Uppy().use(Dashboard, { target: '#files', inline: true });
 * uppy.use(WaybillUploader, { client: createClient({ endpoint: '/uploads' }), route: 'photos' });
 * uppy.on('upload-success', (file, { uploadURL }) => console.log(file?.name, uploadURL));
 */
export class WaybillUploader<M extends Meta, B extends Body> extends BasePlugin<UploaderOptions, M, B> {
  readonly #sending = new Map<string, Sending>();

  constructor(uppy: Uppy<M, B>, options: UploaderOptions) {
    super(uppy, options);
    this.type = 'uploader';
    this.id = options.id ?? 'WaybillUploader';
  }

  override install(): void {
    const { uppy } = this;
    this.#setResumable(true);
    uppy.addUploader(this.#send);
    uppy.on('upload-pause', this.#onPause);
    uppy.on('pause-all', this.#onPauseAll);
    uppy.on('resume-all', this.#onResumeAll);
    uppy.on('file-removed', this.#onRemoved);
    // An upload will fail with the same error.
    if (this.opts.restrictions ?? true) this.#restrict().catch(() => {});
  }

  override uninstall(): void {
    const { uppy } = this;
    this.#setResumable(false);
    uppy.removeUploader(this.#send);
    uppy.off('upload-pause', this.#onPause);
    uppy.off('pause-all', this.#onPauseAll);
    uppy.off('resume-all', this.#onResumeAll);
    uppy.off('file-removed', this.#onRemoved);
  }

  /** Uppy shows its buttons for pausing only with this capability. */
  #setResumable(resumableUploads: boolean): void {
    const { uppy } = this;
    uppy.setState({ capabilities: { ...uppy.getState().capabilities, resumableUploads } });
  }

  async #restrict(): Promise<void> {
    const { uppy, opts } = this;
    const limits = restrictionsOf(await opts.client.routeInfo(opts.route));
    const own = Object.entries(uppy.opts.restrictions).filter(([, value]) => value !== null && value !== undefined);
    uppy.setOptions({ restrictions: { ...limits, ...Object.fromEntries(own) } });
  }

  #onPause = (file: UppyFile<M, B> | undefined, isPaused: boolean): void => {
    this.#sending.get(file?.id ?? '')?.upload[isPaused ? 'pause' : 'resume']();
  };

  #onPauseAll = (): void => {
    for (const { upload } of this.#sending.values()) upload.pause();
  };

  #onResumeAll = (): void => {
    for (const { upload } of this.#sending.values()) upload.resume();
  };

  /** Uppy also calls it for every file when the user cancels all of them. */
  #onRemoved = ({ id }: UppyFile<M, B>): void => {
    const removed = this.#sending.get(id);
    this.#sending.delete(id);
    removed?.upload.abort();
  };

  #send = async (ids: string[]): Promise<void> => {
    const { uppy } = this;
    // Golden Retriever also restores the files of a batch that were completed before the page was closed.
    const files = uppy.getFilesByIds(ids).filter((file) => !file.error && !file.progress.uploadComplete);
    uppy.emit(
      'upload-start',
      files.filter(({ isRestored, progress }) => !isRestored || !progress.uploadStarted),
    );
    await Promise.all(files.map((file) => this.#sendFile(file as UppyFile<Meta, Body>)));
  };

  async #sendFile(file: UppyFile<Meta, Body>): Promise<void> {
    const { uppy } = this;
    const { id } = file;
    let stop: (() => void) | undefined;
    let isCurrent = () => true;
    try {
      const upload = this.#startOrRetry(file);
      isCurrent = () => this.#sending.get(id)?.upload === upload;
      stop = upload.subscribe(() => isCurrent() && this.#showProgress(id, upload));
      if (file.isPaused) upload.pause();
      const { file: stored, data } = await upload.done;
      if (!isCurrent()) return;
      this.#sending.delete(id);
      const body: UploadedBody = { file: stored, data };
      uppy.emit('upload-success', uppy.getFile(id), { status: 200, uploadURL: stored.url, body: body as unknown as B });
    } catch (cause) {
      // Uppy would display the object `details` of our error as text.
      const error = new Error((cause as WaybillError).message, { cause });
      if (isCurrent()) uppy.emit('upload-error', uppy.getFile(id), error);
    } finally {
      stop?.();
    }
  }

  /** A retry of an unchanged file continues with what has arrived. */
  #startOrRetry(file: UppyFile<Meta, Body>): Upload {
    const { client, route, metadata } = this.opts;
    if (file.isRemote) throw new Error('Choose this file on your device: it is sent from the browser.');
    const before = this.#sending.get(file.id);
    if (before?.upload.getSnapshot().error && before.file.data === file.data && before.file.meta === file.meta) {
      before.upload.retry();
      return before.upload;
    }
    const upload = client.upload(route, file.data as Blob, {
      fileName: file.meta.name,
      contentType: file.type,
      metadata: metadata?.(file),
    });
    this.#sending.set(file.id, { upload, file });
    return upload;
  }

  #showProgress(id: string, upload: Upload): void {
    const { uppy } = this;
    const file = uppy.getFile(id);
    const { status, loaded, total, error } = upload.getSnapshot();
    if (!file || error) return;
    const isPaused = status === 'paused';
    // The app may have paused the client.
    if (isPaused !== !!file.isPaused) uppy.setFileState(id, { isPaused });
    uppy.emit('upload-progress', file, {
      uploadStarted: file.progress.uploadStarted ?? 0,
      bytesUploaded: loaded,
      bytesTotal: total,
    });
  }
}

function restrictionsOf({ limits }: RouteInfo) {
  const { minBytes, maxBytes, maxFiles, contentTypes, extensions } = limits;
  // The server requires both, but Uppy accepts a file that has one of them.
  const accepted = extensions?.map((extension) => `.${extension}`) ?? contentTypes;
  return {
    minFileSize: minBytes,
    maxFileSize: maxBytes,
    maxNumberOfFiles: maxFiles,
    allowedFileTypes: accepted?.includes('*/*') ? null : (accepted as string[]),
  };
}
