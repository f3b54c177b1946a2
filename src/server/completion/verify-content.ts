/** The verdict on a staged object: the storage's facts, its first bytes, and the app's own look. */
import { checkLimits, isWaybillError, WaybillError } from '../../protocol/index.ts';
import { toWaybillError } from '../../s3/internal.ts';
import type { ResolvedRoute } from '../config.ts';
import { eventFacts } from '../events.ts';
import type { Charset } from '../shared/charset.ts';
import { describe } from '../shared/describe.ts';
import type { Claims, OpenedGrant, Settled } from '../state/claims.ts';
import type { CompositeChecksum, Said } from './check-parts.ts';
import { detectCharset } from './detect-charset.ts';
import type { StagedObject } from './staged-object.ts';
import type { CompletionDependencies } from './types.ts';
import { inspectStaged, type Verified, verifyStaged } from './verify-staged.ts';

interface Judged {
  dependencies: CompletionDependencies;
  route: ResolvedRoute;
  opened: OpenedGrant;
  said: Said;
}

export type Verdict = (Verified & { charset: Charset | undefined }) | { refusal: WaybillError };

const refusals: ReadonlySet<string> = new Set([
  'size_mismatch',
  'checksum_mismatch',
  'content_type_mismatch',
  'upload_rejected',
]);

/** Is it what was granted, and does the app take it? What is thrown is no verdict: it is to be asked again. */
export async function judge(
  { dependencies, route, opened, said }: Judged,
  claims: Settled,
  staged: StagedObject,
  composite: CompositeChecksum | null,
): Promise<Verdict> {
  const { grants } = dependencies;
  const { storage } = dependencies.config;
  try {
    const verified = await verifyStaged({ route, grants }, { ...opened, claims }, staged, {
      composite,
      said,
    });
    // The rules that hold now, which may be stricter than those that it was granted under.
    const broken = checkLimits(route.limits, { ...claims, contentType: verified.contentType });
    if (broken) return { refusal: broken };
    const words = await inspecting(dependencies, claims, () =>
      inspectStaged(storage, route, { ...claims, contentType: verified.contentType }, staged.info, verified.checksum),
    );
    const charset = await detectCharset(storage, staged, verified.contentType);
    return words === null ? { ...verified, charset } : { refusal: new WaybillError('upload_rejected', words) };
  } catch (error) {
    if (isWaybillError(error) && refusals.has(error.code)) return { refusal: error };
    throw error;
  }
}

async function inspecting<T>(
  dependencies: CompletionDependencies,
  claims: Claims,
  inspect: () => Promise<T>,
): Promise<T> {
  try {
    return await inspect();
  } catch (error) {
    if (isWaybillError(error) && refusals.has(error.code)) throw error;
    throw callbackFailed(dependencies, claims, 'inspect', error);
  }
}

export function callbackFailed(
  { emit }: CompletionDependencies,
  claims: Claims,
  callback: 'inspect' | 'onComplete',
  error: unknown,
): WaybillError {
  const known = toWaybillError(error);
  // Reading the object for the callback failed, not the callback.
  if (isWaybillError(known) && known.retryable && known !== error) return known;
  emit?.('callback.failed', { ...eventFacts(claims), callback, reason: describe(error) });
  return new WaybillError('callback_failed', 'The file has arrived, but could not be processed yet. Try again.', {
    cause: error,
  });
}
