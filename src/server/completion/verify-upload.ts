/** Verifies a staged object: what the storage says of it, its first bytes, the limits of the route, and `inspect`. */
import { checkLimits, isWaybillError, type StoredFile, WaybillError } from '../../protocol/index.ts';
import type { Storage } from '../../s3/index.ts';
import type { ResolvedRoute } from '../config.ts';
import type { Charset } from '../shared/charset.ts';
import type { SizedClaims } from '../state/claims.ts';
import { reportCallbackError } from './callbacks.ts';
import type { CompositeChecksum } from './check-parts.ts';
import { detectCharset } from './detect-charset.ts';
import type { CompletionRun } from './run.ts';
import type { StagedObject } from './staged-object.ts';
import { describeFile, type VerifiedObject, verifyStaged } from './verify-staged.ts';

export interface AcceptedUpload extends VerifiedObject {
  kind: 'accepted';
  charset: Charset | undefined;
}

export type Verdict = AcceptedUpload | { kind: 'refused'; refusal: WaybillError };

/** The errors that refuse an upload for good. */
const refusals: ReadonlySet<string> = new Set([
  'size_mismatch',
  'checksum_mismatch',
  'content_type_mismatch',
  'upload_rejected',
]);

function isRefusal(error: unknown): error is WaybillError {
  return isWaybillError(error) && refusals.has(error.code);
}

/**
 * @throws `callback_failed`, and errors that another attempt may not have, such as that of a storage that does not
 * answer
 */
export async function verifyUpload(
  run: CompletionRun,
  claims: SizedClaims,
  staged: StagedObject,
  composite: CompositeChecksum | null,
): Promise<Verdict> {
  const { services, route } = run;
  const { storage } = services.config;
  try {
    const verified = await verifyStaged(run, claims, staged, composite);
    const found = { ...claims, contentType: verified.contentType };
    // The limits that hold now may be stricter than those at the time of the grant.
    const brokenLimit = checkLimits(route.limits, found);
    if (brokenLimit) return { kind: 'refused', refusal: brokenLimit };
    const reason = await inspectStaged(storage, route, found, staged, verified.checksum).catch((error) => {
      throw isRefusal(error) ? error : reportCallbackError(services.emit, claims, 'inspect', error);
    });
    const charset = await detectCharset(storage, staged, verified.contentType);
    if (reason !== null) return { kind: 'refused', refusal: new WaybillError('upload_rejected', reason) };
    return { kind: 'accepted', ...verified, charset };
  } catch (error) {
    if (isRefusal(error)) return { kind: 'refused', refusal: error };
    throw error;
  }
}

const maxReasonLength = 500;

/**
 * Runs `inspect`.
 *
 * @returns null when it accepts the file, else its reason
 * @throws what the callback threw
 */
async function inspectStaged(
  storage: Storage,
  route: ResolvedRoute,
  claims: SizedClaims,
  { info }: StagedObject,
  checksum: StoredFile['checksum'],
): Promise<string | null> {
  const verdict = await route.definition.inspect?.({
    file: { ...describeFile(claims), checksum, etag: info.etag },
    ownerId: claims.ownerId,
    uploadId: claims.uploadId,
    metadata: claims.metadata,
    async stream() {
      const found = await storage.get(info.key, { ifMatch: info.etag });
      if (!found)
        throw new WaybillError('object_not_ready', 'The file is not ready yet. Try again.', {
          details: { hint: 'The staged object was deleted while `inspect` read it.' },
        });
      return found.body;
    },
  });
  return verdict ? String(verdict.reject).slice(0, maxReasonLength) : null;
}
