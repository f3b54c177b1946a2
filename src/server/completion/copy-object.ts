/** Completes an upload whose bytes are those of a stored file: a copy that the app asked for. */
import { isWaybillError, type StoredFile } from '../../protocol/index.ts';
import type { ObjectInfo } from '../../s3/index.ts';
import { notFound } from '../authorize.ts';
import { beingCompleted, uploadNotFound } from '../shared/errors.ts';
import type { OpenedGrant, SizedClaims } from '../state/claims.ts';
import { withLease } from './lease.ts';
import type { Completed } from './result.ts';
import type { CompletionRun, CompletionServices } from './run.ts';
import { storeFile } from './store-file.ts';

/**
 * Copies the object to the key of the upload and finishes it as every other. When nothing was copied, the upload is
 * aborted, which gives its reservation back.
 *
 * @param info the object of the file, which must not change until it is copied
 * @throws {WaybillError} `upload_not_found` when the file was deleted in the meantime
 */
export async function copyObject(
  services: CompletionServices,
  abort: (opened: OpenedGrant) => Promise<void>,
  claims: SizedClaims,
  info: ObjectInfo,
  checksum: StoredFile['checksum'],
): Promise<Completed> {
  const { config } = services;
  const route = config.routes.get(claims.route);
  if (!route) throw notFound();
  const opened: OpenedGrant = { claims, receipt: null, multipart: null };
  const run: CompletionRun = {
    services,
    route,
    opened,
    claims,
    report: {},
    cleanup: undefined,
    startedAt: config.now(),
  };
  const { size, contentType, charset } = claims;
  const source = { info, head: new Uint8Array(), whole: null };
  try {
    const result = await withLease(run, size, (lease) =>
      storeFile(run, lease, claims, source, { kind: 'accepted', contentType, charset, checksum }),
    );
    if (result.kind === 'completed') return result.completed;
    if (result.kind === 'completing') throw beingCompleted();
    throw uploadNotFound();
  } catch (error) {
    // The object was copied, and the sweep will run the callback again.
    if (!isWaybillError(error) || error.code !== 'callback_failed') await abort(opened).catch(() => {});
    throw error;
  }
}
