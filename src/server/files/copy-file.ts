/**
 * Copies a stored file. The copy is an upload of its own whose bytes come from the file: it has its own `uploadId`, it
 * counts in the quota, `onComplete` runs for it, and a sweep continues it when this process dies.
 */
import { WaybillError } from '../../protocol/index.ts';
import type { Completed } from '../completion/result.ts';
import type { CompletionService } from '../completion/service.ts';
import type { ResolvedRoute } from '../config.ts';
import { defaultKey, findBrokenDefaultKeyRule, findBrokenKeyRule } from '../grants/keys.ts';
import { parseMetadata } from '../grants/metadata.ts';
import { isCharset } from '../shared/charset.ts';
import { uploadNotFound } from '../shared/errors.ts';
import type { TakeRandom } from '../shared/random-pool.ts';
import type { SizedClaims } from '../state/claims.ts';
import type { Quota } from '../state/ledger.ts';
import { buildNewUpload } from '../state/new-upload.ts';
import { quotaExceeded } from '../state/quota-exceeded.ts';
import { requireFileName } from './change-file.ts';
import { describeOwnedFile, type FileContext, type FoundFile, findFile, findObject } from './find-file.ts';
import { requireOwnerId } from './list-files.ts';
import type { CopyFileOptions, OwnedFile } from './types.ts';

export interface CopyContext extends FileContext {
  random: TakeRandom;
}

/**
 * @throws {WaybillError} `upload_not_found`, `quota_exceeded`, `invalid_request`, `upload_conflict` for a key that has
 * a file, or `callback_failed` when `onComplete` threw: then the sweep runs it again
 */
export async function copyFile(
  context: CopyContext,
  { copyObject }: Pick<CompletionService, 'copyObject'>,
  file: string,
  options: CopyFileOptions = {},
): Promise<Completed> {
  const { config } = context;
  const found = await findFile(context, file, options);
  const route = config.routes.get(found.ref.route);
  const info = route && (await findObject(config, found));
  if (!info) throw uploadNotFound();
  const source = describeOwnedFile(context, found, info);
  const claims = await createClaims(context, route, found, source, options);
  await recordCopy(context, route, claims, source, options);
  return copyObject(claims, info, source.checksum);
}

async function createClaims(
  { config, random }: CopyContext,
  route: ResolvedRoute,
  { record }: FoundFile,
  source: OwnedFile,
  { to = {} }: CopyFileOptions,
): Promise<SizedClaims> {
  const { ownerId = source.ownerId, fileName = source.fileName, key } = to;
  requireOwnerId(ownerId);
  const { size, contentType, charset, checksum } = source;
  const claims: SizedClaims = {
    uploadId: config.deployment.newUploadId(random),
    route: route.name,
    ownerId,
    key: '',
    fileName: requireFileName(fileName),
    size,
    // The client sends no parts. How a large object is copied does not depend on this field.
    partSize: null,
    contentType,
    charset: isCharset(charset) ? charset : undefined,
    checksum: checksum && checksum.parts === undefined ? checksum : null,
    expiresAt: Math.floor(config.now() / 1000) + config.expiresInSeconds,
    metadata:
      to.metadata === undefined && record
        ? record.metadata
        : await parseMetadata(route.definition.metadata, to.metadata),
  };
  return { ...claims, key: chooseKey(config, route, claims, key) };
}

function chooseKey(config: CopyContext['config'], route: ResolvedRoute, claims: SizedClaims, key?: string): string {
  if (!route.definition.key) {
    if (key === undefined) return defaultKey(claims);
    throw new WaybillError('invalid_request', 'Leave `key` out: this route has default keys.');
  }
  if (key === undefined)
    throw new WaybillError('invalid_request', 'Pass the `key` of the copy: `key` of this route needs a request.');
  const rule =
    findBrokenKeyRule(key, config.stagingPrefix) ?? findBrokenDefaultKeyRule(config, route, claims.uploadId, key);
  if (rule) throw new WaybillError('invalid_request', `This \`key\` cannot be used: ${rule}.`);
  return key;
}

/** Records the copy in the ledger as a granted upload, which reserves its quota. */
async function recordCopy(
  { config }: CopyContext,
  route: ResolvedRoute,
  claims: SizedClaims,
  source: OwnedFile,
  { to = {}, actor }: CopyFileOptions,
): Promise<void> {
  if (!config.ledger) return;
  const quotas = { owner: config.quota, route: chooseQuota(route, to.quota) };
  const { uploadId, ownerId } = source;
  const upload = buildNewUpload(config, route, claims, 'put', quotas);
  const [refusal] = await config.ledger.grant([
    { ...upload, copy: { from: { uploadId, ownerId }, actor: actor ?? null } },
  ]);
  if (refusal && 'rule' in refusal) throw quotaExceeded(refusal);
}

function chooseQuota({ definition: { quota }, name }: ResolvedRoute, given: Quota | null | undefined): Quota | null {
  if (given !== undefined) return given;
  if (typeof quota !== 'function') return quota ?? null;
  throw new WaybillError(
    'invalid_request',
    `Pass \`to.quota\`: the quota of the route "${name}" is a function of what \`authorize\` returns.`,
  );
}
