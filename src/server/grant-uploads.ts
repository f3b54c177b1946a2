import type {
  Checksum,
  FileDeclaration,
  GrantedUpload,
  GrantRequest,
  SingleGrant,
  Transfer,
} from '../protocol/index.ts';
import { checkLimits, WaybillError } from '../protocol/index.ts';
import { authorize } from './authorize.ts';
import type { Config, ResolvedRoute } from './config.ts';
import type { Emit } from './events.ts';
import { cleanFileName } from './file-name.ts';
import { type Claims, type Grants, maxReceiptBytes } from './grants.ts';
import { brokenKeyRule, defaultKey, keyExtension } from './keys.ts';
import { parseMetadata } from './metadata.ts';
import type { TakeRandom } from './random-pool.ts';
import { isThenable } from './thenable.ts';
import type { CallbackRequest, Owner } from './types.ts';
import { invalid } from './wire-schema.ts';

export interface GrantDependencies {
  config: Config;
  grants: Grants;
  random: TakeRandom;
  emit: Emit | undefined;
}

/** What S3 knows of an upload before it is promoted: its staging key. */
export function stagingKeyOf(config: Pick<Config, 'stagingPrefix'>, uploadId: string): string {
  return config.stagingPrefix + uploadId;
}

/** Becomes an item `{error}` at the edge, where its words are chosen. */
export interface Failure {
  failure: unknown;
}

export function isFailure(item: object): item is Failure {
  return 'failure' in item;
}

/**
 * authorize -> limits -> metadata -> key -> seal -> sign, in this order: what costs comes after what refuses. Promises
 * only where a callback gave one: each that is not there is worth a fifth of a signature.
 */
export async function grantUploads(
  dependencies: GrantDependencies,
  request: CallbackRequest,
  body: GrantRequest,
): Promise<(GrantedUpload | Failure)[]> {
  const { config } = dependencies;
  const route = config.routes.get(body.route);
  if (!route) throw new WaybillError('route_not_found', 'There is no such route.');
  if (body.files.length > route.limits.maxFiles)
    throw new WaybillError('too_many_files', `At most ${route.limits.maxFiles} files in one request.`, {
      details: { maxFiles: route.limits.maxFiles },
    });
  const files = body.files.map((file) => declare(file, body.metadata));
  const authorizing = authorize(route, request, 'grant', files);
  const owner = authorizing instanceof Promise ? await authorizing : authorizing;
  const waiting = config.storage.ready();
  if (waiting) await waiting;
  const items: (GrantedUpload | Failure)[] = [];
  for (const [index, file] of files.entries()) {
    try {
      const { checksum } = body.files[index] as FileDeclaration;
      const granting = grantOne(dependencies, route, owner, file, checksum, body.transfers);
      items.push(granting instanceof Promise ? await granting : granting);
    } catch (error) {
      items.push({ failure: error });
    }
  }
  return items;
}

type DeclaredFile = Pick<FileDeclaration, 'fileName' | 'contentType'> & { size: number; metadata: unknown };

function declare({ fileName, size, contentType, metadata }: FileDeclaration, common: unknown): DeclaredFile {
  return {
    fileName: cleanFileName(fileName),
    size: size as number,
    contentType,
    metadata: metadata === undefined ? common : metadata,
  };
}

function grantOne(
  dependencies: GrantDependencies,
  route: ResolvedRoute,
  owner: Owner,
  file: DeclaredFile,
  declaredChecksum: Checksum | undefined,
  transfers: readonly Transfer[] | undefined,
): GrantedUpload | Promise<GrantedUpload> {
  const { config, random } = dependencies;
  const refusal = checkLimits(route.limits, file);
  if (refusal) throw refusal;
  const checksum = checkChecksum(route, config, declaredChecksum);
  const transfer = chooseTransfer(config, route, transfers, file.size, checksum?.algorithm ?? null);
  const claims: Claims = {
    uploadId: random(16).toString('hex'),
    route: route.name,
    ownerId: owner.ownerId,
    key: '',
    fileName: file.fileName,
    size: file.size,
    contentType: file.contentType,
    checksum,
    expiresAt: 0,
    metadata: undefined,
  };
  const withMetadata = (metadata: unknown): GrantedUpload | Promise<GrantedUpload> => {
    claims.metadata = metadata;
    const key = chooseKey(route, claims, owner);
    return isThenable(key) ? Promise.resolve(key).then(withKey) : withKey(key);
  };
  const withKey = (key: string) => sign(dependencies, claims, key, transfer);
  const metadata = parseMetadata(route.definition.metadata, file.metadata);
  return isThenable(metadata) ? Promise.resolve(metadata).then(withMetadata) : withMetadata(metadata);
}

function sign(
  { config, grants, emit }: GrantDependencies,
  claims: Claims,
  key: string,
  transfer: SingleGrant['transfer'],
): GrantedUpload {
  const rule = brokenKeyRule(key, config.stagingPrefix);
  if (rule) throw new WaybillError('internal_error', `The key of this upload cannot be used: ${rule}.`);
  claims.key = key;
  const nowMs = config.now();
  claims.expiresAt = Math.floor(nowMs / 1000) + config.expiresInSeconds;
  const { uploadId, route, ownerId, size, contentType, checksum } = claims;
  const { grant, receipt } = seal(grants, claims);
  const { storage } = config;
  const constraints = {
    key: stagingKeyOf(config, uploadId),
    size,
    contentType,
    checksum: checksum ?? undefined,
    metadata: { waybill: receipt },
    expiresInSeconds: config.expiresInSeconds,
    once: storage.capabilities.once,
  };
  const request = transfer === 'form' ? storage.presignForm(constraints) : storage.presignPut(constraints);
  emit?.('upload.granted', { uploadId, route, ownerId, size, contentType, transfer });
  // Credentials that end earlier end the URL earlier.
  const leftSeconds = Math.max(0, Math.floor((Date.parse(request.expiresAt) - nowMs) / 1000));
  return { uploadId, grant, transfer, request, expiresInSeconds: Math.min(config.expiresInSeconds, leftSeconds) };
}

/** Exactly the route's algorithm, or MD5 where the storage verifies that too (phones hash it natively). */
function checkChecksum(route: ResolvedRoute, config: Config, checksum: Checksum | undefined): Checksum | null {
  if (route.checksum === null && !checksum) return null;
  const accepted =
    checksum &&
    (checksum.algorithm === (route.checksum ?? 'sha256') || checksum.algorithm === 'md5') &&
    (checksum.algorithm === 'md5'
      ? config.storage.capabilities.contentMd5
      : config.storage.capabilities.checksums.includes('sha256'));
  if (!checksum)
    throw invalid([{ path: 'checksum', message: `is missing: this route wants ${route.checksum}, in base64` }]);
  if (!accepted)
    throw invalid([{ path: 'checksum.algorithm', message: `must be ${route.checksum ?? 'left out'} here` }]);
  return checksum;
}

function chooseKey(route: ResolvedRoute, claims: Claims, context: Owner): string | Promise<string> {
  const choose = route.definition.key;
  if (!choose) return defaultKey(claims);
  return choose({
    route: claims.route,
    ownerId: claims.ownerId,
    uploadId: claims.uploadId,
    extension: keyExtension(claims.fileName, claims.contentType),
    fileName: claims.fileName,
    size: claims.size,
    contentType: claims.contentType,
    metadata: claims.metadata,
    context,
  });
}

function seal(grants: Grants, claims: Claims): { grant: string; receipt: string } {
  let sealed: { grant: string; receipt: string };
  try {
    sealed = grants.issue(claims);
  } catch (cause) {
    throw new WaybillError('invalid_request', 'The metadata cannot be written as JSON.', { cause });
  }
  if (sealed.receipt.length <= maxReceiptBytes) return sealed;
  throw new WaybillError(
    'invalid_request',
    `The metadata and the names are ${sealed.receipt.length - maxReceiptBytes} bytes too long to travel with the object.`,
  );
}

function chooseTransfer(
  config: Config,
  route: ResolvedRoute,
  wanted: readonly Transfer[] | undefined,
  size: number,
  algorithm: string | null,
): SingleGrant['transfer'] {
  if (!wanted?.includes('form')) return 'put';
  if (size <= config.formMaxBytes && route.formBinds(algorithm)) return 'form';
  if (wanted.includes('put')) return 'put';
  throw invalid([{ path: 'transfers', message: 'has no way that suits this file and storage: add put' }]);
}
