/** One file after another to the client: found again where an earlier run left it, or begun. */
import type { Client, FileLike, Resumable, Upload, UploadOptions } from '../../client/node/index.ts';
import { fileSource } from '../../client/node/index.ts';
import type { FileToSend } from './files.ts';
import { leftOf } from './state.ts';

export interface SendOptions {
  client: Client;
  endpoint: string;
  route: string;
  metadata: unknown;
  contentType: string | undefined;
  /** Of standard input. */
  fileName: string | undefined;
  stdin: () => AsyncIterable<Uint8Array>;
  startOver: boolean;
  /** An earlier run began it. */
  onGoingOn(file: FileToSend): void;
}

export type Send = (file: FileToSend) => Promise<Upload>;

export async function createSend(options: SendOptions): Promise<Send> {
  const { client, route, contentType, startOver } = options;
  const left: Resumable[] = await client.resumable();
  /** Whether the route takes paths: the first file out of a folder tells. */
  let takesPaths: Promise<boolean> | undefined;

  function start(file: FileLike, metadata: unknown): Upload {
    const given: UploadOptions & { metadata?: unknown } = {
      ...(contentType !== undefined && { contentType }),
      ...(metadata !== undefined && { metadata }),
    };
    return client.upload(route, file, given);
  }

  async function sendFile(path: string | Buffer, file: FileToSend, metadata: unknown): Promise<Upload> {
    const source = await fileSource(path, contentType === undefined ? {} : { contentType });
    const begun = leftOf(left, route, path.toString());
    if (startOver) for (const one of begun) await one.forget();
    const same = begun.find(
      (one) =>
        JSON.stringify(one.metadata) === JSON.stringify(metadata) &&
        (contentType === undefined || one.contentType === contentType),
    );
    if (!same || startOver) return start(source, metadata);
    options.onGoingOn(file);
    // Not by `upload`: that would send a file that has changed, or that another process sends just now, as another.
    return same.resume(source);
  }

  return async (file) => {
    const { path, relativePath } = file;
    const { metadata } = options;
    if (path === null) {
      const fileName = options.fileName ?? 'stdin';
      return client.upload(route, options.stdin(), {
        fileName,
        ...(contentType !== undefined && { contentType }),
        ...(metadata !== undefined && { metadata }),
      } as UploadOptions);
    }
    const withPath = relativePath === undefined ? undefined : addPath(metadata, relativePath);
    if (!withPath) return sendFile(path, file, metadata);
    if (takesPaths) return sendFile(path, file, (await takesPaths) ? withPath : metadata);
    const first = await sendFile(path, file, withPath);
    takesPaths = isGranted(first);
    return (await takesPaths) ? first : sendFile(path, file, metadata);
  };
}

/** Undefined where there is no room for it: the metadata is a list, or has such a field of its own. */
function addPath(metadata: unknown, relativePath: string): unknown {
  if (metadata === undefined) return { relativePath };
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata) || 'relativePath' in metadata)
    return undefined;
  return { ...metadata, relativePath };
}

/** False when the server did not take what was said of it. */
function isGranted(upload: Upload): Promise<boolean> {
  return new Promise((resolve) => {
    const look = () => {
      const { transfer, error, file } = upload.getSnapshot();
      if (!transfer && !error && !file) return;
      stop();
      resolve(error?.code !== 'invalid_request');
    };
    const stop = upload.subscribe(look);
    upload.done.then(look, look);
  });
}
