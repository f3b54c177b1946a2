import type { FileDeclaration, GrantedUpload, GrantRequest, Transfer } from '../protocol/index.ts';
import { checkLimits, WaybillError } from '../protocol/index.ts';
import { authorize } from './authorize.ts';
import type { Config, ResolvedRoute } from './config.ts';
import type { Emit } from './events.ts';
import { cleanFileName } from './file-name.ts';
import { type Claims, type Grants, maxReceiptBytes } from './grants.ts';
import { brokenKeyRule, defaultKey, keyExtension } from './keys.ts';
import { parseMetadata } from './metadata.ts';
import type { TakeRandom } from './random-pool.ts';
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

/** authorize -> limits -> metadata -> key -> seal -> sign, in this order: what costs comes after what refuses. */
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
  const owner = await authorize(route, request, 'grant', declared(body));
  const waiting = config.storage.ready();
  if (waiting) await waiting;
  const items: (GrantedUpload | Failure)[] = [];
  for (const file of body.files) {
    try {
      items.push(await grantOne(dependencies, route, owner, body, file));
    } catch (error) {
      items.push({ failure: error });
    }
  }
  return items;
}

/** Becomes an item `{error}` at the edge, where its words are chosen. */
export interface Failure {
  failure: unknown;
}

function declared(body: GrantRequest) {
  return body.files.map((file) => ({
    fileName: cleanFileName(file.fileName),
    size: file.size,
    contentType: file.contentType,
    metadata: file.metadata === undefined ? body.metadata : file.metadata,
  }));
}

async function grantOne(
  { config, grants, random, emit }: GrantDependencies,
  route: ResolvedRoute,
  owner: Owner,
  body: GrantRequest,
  file: FileDeclaration,
): Promise<GrantedUpload> {
  const refusal = checkLimits(route.limits, file);
  if (refusal) throw refusal;
  const checksum = checkChecksum(route, config, file);
  const parsing = parseMetadata(route.definition.metadata, file.metadata === undefined ? body.metadata : file.metadata);
  const metadata = parsing instanceof Promise ? await parsing : parsing;
  const nowMs = config.now();
  const claims: Claims = {
    uploadId: random(16).toString('hex'),
    route: route.name,
    ownerId: owner.ownerId,
    key: '',
    fileName: cleanFileName(file.fileName),
    size: file.size,
    contentType: file.contentType,
    checksum,
    expiresAt: Math.floor(nowMs / 1000) + config.expiresInSeconds,
    metadata,
  };
  const key = chooseKey(route, claims, owner);
  claims.key = typeof key === 'string' ? key : await key;
  const rule = brokenKeyRule(claims.key, config.stagingPrefix);
  if (rule) throw new WaybillError('internal_error', `The key of this upload cannot be used: ${rule}.`);
  const { grant, receipt } = seal(grants, claims);
  const transfer = chooseTransfer(config, route, body.transfers, file.size, checksum?.algorithm ?? null);
  const signed = {
    key: stagingKeyOf(config, claims.uploadId),
    size: claims.size,
    contentType: claims.contentType,
    checksum: checksum ?? undefined,
    metadata: { waybill: receipt },
    expiresInSeconds: config.expiresInSeconds,
  };
  const { storage } = config;
  const presigned =
    transfer === 'form'
      ? storage.presignForm(signed)
      : storage.presignPut({ ...signed, once: storage.capabilities.once });
  emit?.('upload.granted', {
    uploadId: claims.uploadId,
    route: route.name,
    ownerId: owner.ownerId,
    size: claims.size,
    contentType: claims.contentType,
    transfer,
  });
  // Credentials that end earlier end the URL earlier.
  const expiresInSeconds = Math.min(
    config.expiresInSeconds,
    Math.max(0, Math.floor((Date.parse(presigned.expiresAt) - nowMs) / 1000)),
  );
  return { uploadId: claims.uploadId, grant, transfer, request: presigned, expiresInSeconds };
}

/** Exactly the route's algorithm, or MD5 where the storage verifies that too (phones hash it natively). */
function checkChecksum(route: ResolvedRoute, config: Config, { checksum }: FileDeclaration) {
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
): Transfer {
  if (!wanted?.includes('form')) return 'put';
  if (size <= config.formMaxBytes && route.formBinds(algorithm)) return 'form';
  if (wanted.includes('put')) return 'put';
  throw invalid([{ path: 'transfers', message: 'has no way that suits this file and storage: add put' }]);
}

export function isFailure(item: object): item is Failure {
  return 'failure' in item;
}
