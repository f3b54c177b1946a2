/**
 * One idempotent way from "it was sent" to "it is a file", for the client's call, a storage event and the sweep alike:
 * look -> verify -> claim -> copy -> callback -> record, then delete what was staged (DESIGN section 7, 3). Stopping
 * anywhere leaves a state from which the next call goes on.
 */
import { isWaybillError, type StoredFile, WaybillError } from '../protocol/index.ts';
import { toWaybillError } from '../s3/s3-error.ts';
import { notFound } from './authorize.ts';
import type { Config, ResolvedRoute } from './config.ts';
import { describe } from './describe.ts';
import type { Emit } from './events.ts';
import { stagingKeyOf } from './grant-uploads.ts';
import type { Claims, OpenedGrant } from './grants.ts';
import type { HeldMarker, Marker, Markers } from './markers.ts';
import { promote, uploadIdHeader, withdraw } from './promote.ts';
import { factsOf, inspectStaged, lookAtStaged, type StagedObject, verifyStaged } from './verify.ts';

export interface Completed {
  uploadId: string;
  file: StoredFile;
  data: unknown;
}

/** Another process is at it. */
export interface Completing {
  uploadId: string;
  completing: true;
  retryAfterSeconds: number;
}

export interface CompletionDependencies {
  config: Config;
  markers: Markers;
  emit: Emit | undefined;
  /** The stable URL of a stored file. */
  viewUrl: (claims: Claims) => string;
}

export type CompleteUpload = (opened: OpenedGrant) => Promise<Completed | Completing>;

/** How long another process waits before it takes a promotion over: a minute, and the time a large copy takes. */
function leaseMs(size: number): number {
  return 60_000 + size / 20_000;
}

export function createCompletion(dependencies: CompletionDependencies): {
  complete: CompleteUpload;
  /** Waits for the completion that this process is at, if any. */
  settled: (uploadId: string) => Promise<void>;
} {
  const inFlight = new Map<string, Promise<Completed | Completing>>();
  return {
    complete(opened) {
      const { uploadId } = opened.claims;
      // Fifty calls at once are one completion, and all get its result.
      const running = inFlight.get(uploadId);
      if (running) return running;
      const promise = completeOne(dependencies, opened).finally(() => inFlight.delete(uploadId));
      inFlight.set(uploadId, promise);
      return promise;
    },
    async settled(uploadId) {
      await inFlight.get(uploadId)?.catch(() => {});
    },
  };
}

async function completeOne(dependencies: CompletionDependencies, opened: OpenedGrant): Promise<Completed | Completing> {
  const { claims } = opened;
  const { config } = dependencies;
  const route = config.routes.get(claims.route);
  if (!route) throw notFound();
  const startedAt = config.now();
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const outcome = await advance(dependencies, route, opened, startedAt);
    if (outcome) return outcome;
  }
  throw new WaybillError('object_not_ready', 'The object changed while it was verified.');
}

/** One pass; null when the world moved meanwhile and another pass is due. */
async function advance(
  dependencies: CompletionDependencies,
  route: ResolvedRoute,
  opened: OpenedGrant,
  startedAt: number,
): Promise<Completed | Completing | null> {
  const { config, markers } = dependencies;
  const { claims } = opened;
  const { storage, now } = config;
  const staged = await lookAtStaged(storage, stagingKeyOf(config, claims.uploadId), claims.size);
  if (!staged) return withoutObject(dependencies, route, claims, startedAt);

  const verdict = await judge(dependencies, route, opened, staged);
  const wanted: Marker =
    'refusal' in verdict
      ? { state: 'rejected', error: verdict.refusal.toJSON() }
      : { state: 'promoting', leaseUntil: now() + leaseMs(claims.size) };
  let { held, version } = await markers.claim(claims.uploadId, wanted);
  if (held) {
    const { marker } = held;
    if (marker.state !== 'promoting') {
      // Sent again under an unexpired URL: what was decided stands, and the bytes go (ATTACKS C11).
      await storage.delete(staged.info.key);
      return outcomeOf(claims, marker);
    }
    const left = marker.leaseUntil - now();
    if (left > 0) return completing(claims, left);
    const taken = await markers.replace(claims.uploadId, wanted, held.version);
    if (!taken) return null;
    held = null;
    version = taken.version;
    // An earlier try may have come as far as the copy before this refusal.
    if ('refusal' in verdict) await withdraw(storage, claims);
  }
  if ('refusal' in verdict) return reject(dependencies, claims, staged, verdict.refusal, startedAt);

  let copy: { etag: string } | null;
  try {
    copy = await promote(storage, route, claims, staged.info);
  } catch (error) {
    if (isWaybillError(error) && error.code === 'upload_conflict') {
      await markers.replace(claims.uploadId, { state: 'rejected', error: error.toJSON() }, version);
      return reject(dependencies, claims, staged, error, startedAt);
    }
    await release(markers, claims, version);
    throw error;
  }
  if (!copy) {
    await release(markers, claims, version);
    return null;
  }
  const file: StoredFile = {
    ...factsOf(claims),
    checksum: verdict.checksum,
    etag: copy.etag,
    url: dependencies.viewUrl(claims),
    storedAt: new Date(now()).toISOString(),
  };
  return finish(dependencies, route, claims, file, version, startedAt);
}

type Verdict = { checksum: StoredFile['checksum'] } | { refusal: WaybillError };

const refusals: ReadonlySet<string> = new Set([
  'size_mismatch',
  'checksum_mismatch',
  'content_type_mismatch',
  'upload_rejected',
]);

async function judge(
  dependencies: CompletionDependencies,
  route: ResolvedRoute,
  opened: OpenedGrant,
  staged: StagedObject,
): Promise<Verdict> {
  const { storage } = dependencies.config;
  const { claims } = opened;
  try {
    const checksum = await verifyStaged(storage, route, opened, staged);
    const words = await inspecting(dependencies, claims, () =>
      inspectStaged(storage, route, claims, staged.info, checksum),
    );
    return words === null ? { checksum } : { refusal: new WaybillError('upload_rejected', words) };
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

/** onComplete, then the record of what it gave, then the staged object goes: in this order nothing is lost. */
async function finish(
  dependencies: CompletionDependencies,
  route: ResolvedRoute,
  claims: Claims,
  file: StoredFile,
  version: string,
  startedAt: number,
): Promise<Completed> {
  const { config, markers, emit } = dependencies;
  let data: unknown;
  try {
    const { ownerId, uploadId, metadata } = claims;
    const given = await route.definition.onComplete?.({ file: { ...file }, ownerId, uploadId, metadata });
    // As JSON, so that the first answer and every later one from the record are the same.
    data = JSON.parse(JSON.stringify(given ?? null) ?? 'null');
  } catch (error) {
    await release(markers, claims, version);
    throw callbackFailed(dependencies, claims, 'onComplete', error);
  }
  // At once: should the record fail after the delete, the copy at its key still tells whose it is. What cannot be
  // deleted is garbage that the lifecycle rule collects, and no reason to fail.
  const [recorded] = await Promise.allSettled([
    markers.replace(claims.uploadId, { state: 'completed', file, data }),
    config.storage.delete(stagingKeyOf(config, claims.uploadId)),
  ]);
  if (recorded.status === 'rejected') {
    await release(markers, claims);
    throw recorded.reason;
  }
  emit?.('upload.completed', { ...eventFacts(claims), key: claims.key, durationMs: config.now() - startedAt });
  return { uploadId: claims.uploadId, file, data };
}

async function reject(
  { config, emit }: CompletionDependencies,
  claims: Claims,
  staged: StagedObject,
  refusal: WaybillError,
  startedAt: number,
): Promise<never> {
  await config.storage.delete(staged.info.key);
  emit?.('upload.rejected', { ...eventFacts(claims), code: refusal.code, durationMs: config.now() - startedAt });
  throw refusal;
}

/** Nothing is staged: it was completed before, or refused, or it never came. */
async function withoutObject(
  dependencies: CompletionDependencies,
  route: ResolvedRoute,
  claims: Claims,
  startedAt: number,
): Promise<Completed | Completing | null> {
  const { config, markers } = dependencies;
  const held = await markers.read(claims.uploadId);
  if (!held) {
    // Expiry stops signing, never completion: only where nothing arrived does it matter (DESIGN section 7, 4).
    if (config.now() >= claims.expiresAt * 1000)
      throw new WaybillError('upload_expired', 'The permission has expired, and nothing was sent.');
    throw new WaybillError('object_not_ready', 'The storage has not received the file.');
  }
  if (held.marker.state !== 'promoting') return outcomeOf(claims, held.marker);
  const left = held.marker.leaseUntil - config.now();
  if (left > 0) return completing(claims, left);
  return afterCrash(dependencies, route, claims, held, startedAt);
}

/** Someone copied and deleted, and never wrote the result down: go on from the copy. */
async function afterCrash(
  dependencies: CompletionDependencies,
  route: ResolvedRoute,
  claims: Claims,
  held: HeldMarker,
  startedAt: number,
): Promise<Completed | null> {
  const { config, markers } = dependencies;
  const copy = await config.storage.head(claims.key);
  if (copy?.metadata[uploadIdHeader] !== claims.uploadId)
    throw new WaybillError('object_not_ready', 'The storage has not received the file.');
  const leaseUntil = config.now() + leaseMs(claims.size);
  const taken = await markers.replace(claims.uploadId, { state: 'promoting', leaseUntil }, held.version);
  if (!taken) return null;
  const file: StoredFile = {
    ...factsOf(claims),
    checksum: claims.checksum,
    etag: copy.etag,
    url: dependencies.viewUrl(claims),
    storedAt: new Date(config.now()).toISOString(),
  };
  return finish(dependencies, route, claims, file, taken.version, startedAt);
}

function outcomeOf(claims: Claims, marker: Exclude<Marker, { state: 'promoting' }>): Completed {
  if (marker.state === 'completed') return { uploadId: claims.uploadId, file: marker.file, data: marker.data };
  if (marker.state === 'rejected')
    throw new WaybillError(marker.error.code, marker.error.message, { details: marker.error.details });
  throw new WaybillError('upload_conflict', `The upload was ${marker.state}.`);
}

/** Whoever asks next may go on at once. */
async function release(markers: Markers, claims: Claims, version?: string): Promise<void> {
  await markers.replace(claims.uploadId, { state: 'promoting', leaseUntil: 0 }, version).catch(() => null);
}

function completing(claims: Claims, leftMs: number): Completing {
  const retryAfterSeconds = Math.min(5, Math.max(1, Math.ceil(leftMs / 1000)));
  return { uploadId: claims.uploadId, completing: true, retryAfterSeconds };
}

function callbackFailed(
  { emit }: CompletionDependencies,
  claims: Claims,
  callback: 'inspect' | 'onComplete',
  error: unknown,
): WaybillError {
  const known = toWaybillError(error);
  // Reading the object for the callback failed, not the callback.
  if (isWaybillError(known) && known.retryable && known !== error) return known;
  emit?.('callback.failed', { ...eventFacts(claims), callback, reason: describe(error) });
  return new WaybillError('callback_failed', 'The file is stored, but the server could not finish. Try again.', {
    cause: error,
  });
}

export function eventFacts({ uploadId, route, ownerId, size, contentType }: Claims) {
  return { uploadId, route, ownerId, size, contentType };
}
