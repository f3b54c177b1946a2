import { type ResolvedType, resolveContentType } from '../../protocol/content-types.ts';
import type { Checksum, FileDeclaration, GrantedUpload, GrantRequest, Transfer } from '../../protocol/index.ts';
import { WaybillError } from '../../protocol/index.ts';
import { authorize } from '../authorize.ts';
import type { CallbackRequest, Owner } from '../callback-inputs.ts';
import type { Config, ResolvedRoute } from '../config.ts';
import { invalid, tooManyFiles, unknownRoute } from '../shared/errors.ts';
import { type Failure, isFailure } from '../shared/failure.ts';
import { mapLimited } from '../shared/map-limited.ts';
import { isThenable } from '../shared/thenable.ts';
import type { Claims } from '../state/claims.ts';
import { choosePartSize, chooseTransfer, usesMultipart } from './choose-transfer.ts';
import { cleanFileName } from './file-name.ts';
import { deriveRandom } from './idempotency.ts';
import { defaultKey, findBrokenDefaultKeyRule, findBrokenKeyRule, keyExtension } from './keys.ts';
import { findBrokenLimit } from './limits.ts';
import { parseMetadata } from './metadata.ts';
import { type GrantDependencies, type Prepared, signGrant } from './sign-grant.ts';
import { strongestChecksum } from './strongest-checksum.ts';

/** At most this many multipart uploads begin at the same time. Each sends two requests to the storage. */
const parallelMultiparts = 8;

/**
 * Grants the files of one request. The order is: parse the metadata, call `authorize`, count the rate limit of the
 * owner, check the limits of the route, choose the key, seal, reserve the quota (with a ledger), sign. Cheap steps that
 * can refuse come first, and signing comes last. The code awaits only where a callback returned a promise, because an
 * `await` takes a fifth of the time of a signature.
 */
export async function grantUploads(
  dependencies: GrantDependencies,
  request: CallbackRequest,
  body: GrantRequest,
): Promise<(GrantedUpload | Failure)[]> {
  const { config } = dependencies;
  const route = config.routes.get(body.route);
  if (!route) throw unknownRoute();
  if (body.files.length > route.limits.maxFiles) throw tooManyFiles(body.files.length, route.limits.maxFiles);
  const types = body.files.map(({ contentType, fileName }) =>
    resolveContentType(route.limits.contentTypes, contentType, cleanFileName(fileName)),
  );
  const parsing = body.files.map(({ metadata = body.metadata }) => tryParseMetadata(route, metadata));
  const parsed = parsing.some(isThenable) ? await Promise.all(parsing) : (parsing as ParsedMetadata[]);
  const files = body.files.map((file, index) =>
    describeDeclaredFile(file, types[index] as ResolvedType, parsed[index] as ParsedMetadata),
  );
  const valid = files.filter((_, index) => !isFailure(parsed[index] as ParsedMetadata));
  if (valid.length === 0) return parsed as Failure[];
  const authorizing = authorize(route, request, 'grant', valid);
  const authorized = authorizing instanceof Promise ? await authorizing : authorizing;
  const owner = route.addressOwner ? route.addressOwner(request) : authorized;
  if (config.rateLimits) await config.rateLimits.owner(owner.ownerId, files.length);
  const waiting = config.storage.ready();
  if (waiting) await waiting;
  dependencies.probeStorage();
  const prepareFileAt = (index: number) => {
    const metadata = parsed[index] as ParsedMetadata;
    if (isFailure(metadata)) throw metadata.failure;
    return prepareUpload(
      dependencies,
      route,
      owner,
      files[index] as DeclaredFile,
      types[index] as ResolvedType,
      body.files[index] as FileDeclaration,
      body.transfers,
    );
  };
  if (config.ledger) {
    const { grantWithLedger } = await import('./grant-with-ledger.ts');
    // With the transfer `none` the client sends nothing, because the bytes are already stored.
    const canSkipSending = body.transfers?.includes('none') ?? false;
    return grantWithLedger(dependencies, config.ledger, owner, { count: files.length, prepareFileAt, canSkipSending });
  }
  const grantFileAt = (index: number) => {
    const prepared = prepareFileAt(index);
    return prepared instanceof Promise
      ? prepared.then((one) => signGrant(dependencies, one))
      : signGrant(dependencies, prepared);
  };
  const isForMultipart = ({ size }: FileDeclaration) => size === null || size >= config.multipartMinBytes;
  if (body.transfers?.includes('multipart') && body.files.some(isForMultipart))
    return mapLimited([...files.keys()], parallelMultiparts, async (index) => {
      try {
        return await grantFileAt(index);
      } catch (failure) {
        return { failure };
      }
    });
  const items: (GrantedUpload | Failure)[] = [];
  for (let index = 0; index < files.length; index += 1) {
    try {
      const granting = grantFileAt(index);
      items.push(granting instanceof Promise ? await granting : granting);
    } catch (error) {
      items.push({ failure: error });
    }
  }
  return items;
}

/** A file as `authorize` gets it, with the content type that will be signed. */
type DeclaredFile = Pick<FileDeclaration, 'fileName' | 'size'> & { contentType: string; metadata: unknown };

function describeDeclaredFile(
  { fileName, size }: FileDeclaration,
  { contentType }: ResolvedType,
  metadata: ParsedMetadata,
): DeclaredFile {
  return {
    fileName: cleanFileName(fileName),
    size,
    contentType,
    metadata: isFailure(metadata) ? undefined : metadata.value,
  };
}

type ParsedMetadata = { value: unknown } | Failure;

/** Never throws. It runs before `authorize`, which gets only metadata that the schema accepts. */
function tryParseMetadata({ definition }: ResolvedRoute, sent: unknown): ParsedMetadata | Promise<ParsedMetadata> {
  try {
    const value = parseMetadata(definition.metadata, sent);
    if (!isThenable(value)) return { value };
    return Promise.resolve(value).then(
      (output) => ({ value: output }),
      (failure: unknown) => ({ failure }),
    );
  } catch (failure) {
    return { failure };
  }
}

/** Checks one file, and decides everything that its grant says. A promise is returned only when one was needed. */
function prepareUpload(
  dependencies: GrantDependencies,
  route: ResolvedRoute,
  owner: Owner,
  file: DeclaredFile,
  type: ResolvedType,
  declared: FileDeclaration,
  transfers: readonly Transfer[] | undefined,
): Prepared | Promise<Prepared> {
  const { config, random } = dependencies;
  const { admitted, guessed } = type;
  const refusal = findBrokenLimit(route, file, admitted);
  if (refusal) throw refusal;
  const { host } = declared;
  if (host !== undefined && host >= config.storage.publicOrigins.length)
    throw invalid([{ path: 'host', message: `must be below ${config.storage.publicOrigins.length}` }]);
  const isMultipart = usesMultipart(config, route, transfers, file.size);
  const checksum = isMultipart ? null : requireStrongestChecksum(route, config, declared.checksum);
  const transfer = isMultipart
    ? 'multipart'
    : chooseTransfer(config, route, transfers, file.size as number, checksum?.algorithm ?? null);
  const { fileName, contentType } = file;
  const idempotencyKey = route.public ? undefined : declared.idempotencyKey;
  const uploadId = config.deployment.newUploadId(
    idempotencyKey === undefined || config.ledger
      ? random
      : deriveRandom(config.secrets()[0] as string, {
          route: route.name,
          ownerId: owner.ownerId,
          key: idempotencyKey,
        }),
  );
  const claims: Claims = {
    uploadId,
    route: route.name,
    ownerId: owner.ownerId,
    key: '',
    fileName,
    size: file.size,
    partSize: isMultipart ? choosePartSize(route, file.size, declared.partSize) : null,
    contentType,
    ...(guessed && { guessed }),
    checksum,
    expiresAt: 0,
    metadata: file.metadata,
  };
  const finishWithKey = (key: string): Prepared | Promise<Prepared> => {
    const rule =
      findBrokenKeyRule(key, config.stagingPrefix) ?? findBrokenDefaultKeyRule(config, route, claims.uploadId, key);
    if (rule) throw new WaybillError('internal_error', `The result of \`key\` cannot be used: ${rule}.`);
    claims.key = key;
    const prepared: Prepared = { route, claims, transfer, host, idempotencyKey };
    return mayKeyHaveFile(route, claims) ? requireFreeKey(config, claims).then(() => prepared) : prepared;
  };
  const key = chooseKey(route, claims, owner);
  return isThenable(key) ? Promise.resolve(key).then(finishWithKey) : finishWithKey(key);
}

/** Another file may already have a key that the route chooses, unless the key contains the id of this upload. */
function mayKeyHaveFile({ definition }: ResolvedRoute, { key, uploadId }: Claims): boolean {
  return definition.key !== undefined && !definition.replace && !key.includes(uploadId);
}

/**
 * Refuses the upload before its bytes are sent. The copy to the key checks again, because another upload may be stored
 * there in the meantime.
 *
 * @throws {WaybillError} `upload_conflict`
 */
async function requireFreeKey({ storage }: Config, { key }: Claims): Promise<void> {
  if ((await storage.head(key)) === null) return;
  throw new WaybillError('upload_conflict', 'A file with this key exists already.', {
    details: {
      hint: 'The `key` callback of the route chose a key that has a file. Set `replace: true` on the route to replace it.',
    },
  });
}

/**
 * Requires the algorithm of the route, or on a `size-only` route the strongest one that the storage verifies. A client
 * must not choose a weaker one, with which two different files can have the same checksum.
 */
function requireStrongestChecksum(
  route: ResolvedRoute,
  config: Config,
  checksum: Checksum | undefined,
): Checksum | null {
  const strongest = route.checksum ?? strongestChecksum(config.storage.capabilities);
  if (!checksum) {
    if (route.checksum === null) return null;
    throw invalid([{ path: 'checksum', message: `is missing: this route needs ${strongest} in base64` }]);
  }
  if (checksum.algorithm === strongest) return checksum;
  const others = route.checksum === null ? ', or the checksum left out' : '';
  const message =
    strongest === null
      ? 'is not verified by this storage: leave the checksum out'
      : `must be ${strongest} here${others}`;
  throw invalid([{ path: 'checksum.algorithm', message }]);
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
