/** Passes each file to the client, which resumes the upload of an earlier run or starts a new one. */
import type { Client, FileLike, Resumable, Upload, UploadOptions } from '../../client/node/index.ts';
import { fileSource } from '../../client/node/index.ts';
import type { FileToSend } from './files.ts';
import { findUnfinished } from './state.ts';

export interface SendOptions {
  client: Client;
  endpoint: string;
  route: string;
  metadata: unknown;
  contentType: string | undefined;
  /** The name for standard input. */
  fileName: string | undefined;
  stdin: () => AsyncIterable<Uint8Array>;
  startOver: boolean;
  /** Called for an upload of an earlier run. */
  onResume(file: FileToSend): void;
}

export type Send = (file: FileToSend) => Promise<Upload>;

export async function createSend(options: SendOptions): Promise<Send> {
  const { client, route, contentType, startOver } = options;
  const unfinished: Resumable[] = await client.resumable();
  /** Whether the route accepts `relativePath` in metadata. The first file of a folder shows it. */
  let acceptsPaths: Promise<boolean> | undefined;

  function start(file: FileLike, metadata: unknown): Upload {
    const given: UploadOptions & { metadata?: unknown } = {
      ...(contentType !== undefined && { contentType }),
      ...(metadata !== undefined && { metadata }),
    };
    return client.upload(route, file, given);
  }

  async function sendFile(path: string | Buffer, file: FileToSend, metadata: unknown): Promise<Upload> {
    const source = await fileSource(path, contentType === undefined ? {} : { contentType });
    const earlier = findUnfinished(unfinished, route, path.toString());
    if (startOver) for (const one of earlier) await one.forget();
    const same = earlier.find(
      (one) =>
        JSON.stringify(one.metadata) === JSON.stringify(metadata) &&
        (contentType === undefined || one.contentType === contentType),
    );
    if (!same || startOver) return start(source, metadata);
    options.onResume(file);
    // `client.upload` would start a second upload for a changed file, or for one that another process is sending.
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
    if (acceptsPaths) return sendFile(path, file, (await acceptsPaths) ? withPath : metadata);
    const first = await sendFile(path, file, withPath);
    acceptsPaths = isGranted(first);
    return (await acceptsPaths) ? first : sendFile(path, file, metadata);
  };
}

/** Adds the field to the metadata. Undefined when the metadata is not an object or has such a field already. */
function addPath(metadata: unknown, relativePath: string): unknown {
  if (metadata === undefined) return { relativePath };
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata) || 'relativePath' in metadata)
    return undefined;
  return { ...metadata, relativePath };
}

/** Resolves with false when the server refused the declaration. */
function isGranted(upload: Upload): Promise<boolean> {
  return new Promise((resolve) => {
    const check = () => {
      const { transfer, error, file } = upload.getSnapshot();
      if (!transfer && !error && !file) return;
      stop();
      resolve(error?.code !== 'invalid_request');
    };
    const stop = upload.subscribe(check);
    upload.done.then(check, check);
  });
}
