/**
 * The interface that adapters wrap, and what they share: the check of the mount point, and `request.raw` of callbacks.
 * This file handles no request. The handler itself, which answers plain requests, is in server/http/handler.ts.
 *
 * To add an adapter:
 *
 * 1. Write `src/adapters/<framework>.ts` over {@link MountableHandler}, or over {@link Handler} where the framework
 *    itself passes on all other paths. node.ts and web-request.ts convert requests.
 * 2. Add its subpath to `exports` in package.json, to `entries` in scripts/lib/bundle.mjs, and its function to
 *    scripts/lib/reference.mjs. Then run `npm run docs`.
 * 3. Start a real server of the framework in test/contract/adapters/frameworks.ts. The contract then runs through it.
 * 4. Add a row and a section to docs/frameworks.md. test/package/docs.test.ts compiles the code of that page, and
 *    starts the servers that its list `servers` names.
 */
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
  /** The paths, without `basePath`, for frameworks whose routers need a list. */
  readonly paths: { readonly exact: readonly string[]; readonly below: readonly string[] };
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
