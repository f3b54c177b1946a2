/** What every adapter shares: the handler that it wraps, which paths are Waybill's, and what callbacks get as `request.raw`. */
import { WaybillError } from '../protocol/index.ts';
import type { CallbackRequest, PlainRequest, PlainResponse } from '../server/index.ts';

/** The part of the result of `createUploads()` that adapters use. */
export interface Handler {
  handle(request: PlainRequest): Promise<PlainResponse>;
}

/** A handler that knows its own paths, so that an adapter can pass on all others. */
export interface MountableHandler extends Handler {
  /** Whether this path, as browsers see it, is Waybill's. */
  owns(path: string): boolean;
  /** The option `basePath`, or ''. */
  readonly basePath: string;
}

/**
 * Views are served below the path that browsers see, so `createUploads` must know a mount point as well.
 *
 * @returns the error to report when the path is Waybill's only after the mount point was removed
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
 * The framework's own request in a callback. Throws when the request came through another adapter, whose `raw` has another shape.
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
