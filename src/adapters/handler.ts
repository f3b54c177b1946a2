/** Shared by all adapters: the handler that they wrap, the check of the mount point, and `request.raw` of callbacks. */
import { WaybillError } from '../protocol/index.ts';
import type { CallbackRequest, PlainRequest, PlainResponse } from '../server/index.ts';

/** The part of the result of `createUploads()` that adapters use. */
export interface Handler {
  handle(request: PlainRequest): Promise<PlainResponse>;
}

/** A handler that knows its own paths, so that an adapter can pass on all others. */
export interface MountableHandler extends Handler {
  /** Whether Waybill serves this path, as browsers see it. */
  owns(path: string): boolean;
  /** The option `basePath`, or the empty string. */
  readonly basePath: string;
}

/**
 * `createUploads` has to know the mount point too, because `file.url` contains it.
 *
 * @returns the error to report when Waybill serves the path only after the mount point was removed
 */
export function mountPointError(
  uploads: Pick<MountableHandler, 'owns'>,
  mountPoint: string,
  pathBelow: string,
): WaybillError | undefined {
  if (mountPoint === '' || !uploads.owns(pathBelow)) return undefined;
  return new WaybillError(
    'config_invalid',
    `The uploads handler is mounted at ${mountPoint}. Pass \`basePath: '${mountPoint}'\` to createUploads.`,
  );
}

/**
 * The request of the framework in a callback.
 *
 * @throws {WaybillError} `config_invalid` when the request came through another adapter, whose `raw` is another object
 */
export function frameworkRequest(request: CallbackRequest, adapter: string, properties: readonly string[]): unknown {
  const { raw } = request;
  const fits = typeof raw === 'object' && raw !== null && properties.every((property) => property in raw);
  if (fits) return raw;
  throw new WaybillError(
    'config_invalid',
    `This request did not come through ${adapter}(): \`request.raw\` is another object.`,
  );
}
