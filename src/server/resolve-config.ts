/** Options resolve once, into one frozen config. An unknown option is an error. */
import type { Transfer } from '../protocol/index.ts';
import { KiB, MiB, WaybillError } from '../protocol/index.ts';
import { checkOptions } from '../protocol/internal.ts';
import type { Storage } from '../s3/index.ts';
import { chooseCopyGuard } from './completion/copy-guard.ts';
import { requireUniqueKeys } from './completion/key-locks.ts';
import type { Config, ResolvedRoute } from './config.ts';
import { createEmit } from './events.ts';
import { strongestChecksum } from './grants/strongest-checksum.ts';
import { refuseWithoutLedger, type UploadsOptions, uploadsOptions } from './options.ts';
import { addressOwnerOf, refuseUncountedLimits } from './rate-limits/address-owner.ts';
import { checkRateLimit } from './rate-limits/options.ts';
import { createRateLimits, type RateLimits } from './rate-limits/rate-limits.ts';
import { type AnyRoute, isAnyone } from './route.ts';
import { createDeployment } from './shared/deployment.ts';
import { createFailureLog } from './shared/failure-log.ts';
import { type Instrument, instrumentCallbacks, instrumentStorage } from './shared/instrument.ts';
import { resolveSecrets } from './shared/secrets.ts';
import { maxSingleBytes } from './shared/storage-limits.ts';
import { guardLedger } from './state/guard-ledger.ts';
import { checkEvents } from './storage-events/options.ts';
import { checkUpkeep } from './upkeep-request.ts';
import { checkWebhooks, requirePublicUrl } from './webhooks/options.ts';

export function resolveConfig(given: UploadsOptions): Config {
  checkOptions('createUploads()', given, uploadsOptions);
  const secrets = resolveSecrets('secret', given.secret);
  if (!given.ledger) refuseWithoutLedger(given);
  refuseUncountedLimits(given);
  const publicUrl = given.publicUrl ?? '';
  const stagingPrefix = given.stagingPrefix ?? 'incoming/';
  const partial = {
    storage: instrumented(given.storage, given.instrument),
    secrets,
    viewSecrets: given.viewSecret === undefined ? secrets : resolveSecrets('viewSecret', given.viewSecret),
    basePath: given.basePath ?? '',
    publicUrl,
    hasOpenLists: Object.values(given.routes).some(({ definition }) => definition?.authorizeList !== undefined),
    publicOrigin: publicUrl === '' ? null : new URL(publicUrl).origin,
    publicHost: publicUrl === '' ? null : new URL(publicUrl).host,
    allowedOrigins: new Set(given.allowedOrigins ?? []),
    expiresInSeconds: given.expiresInSeconds ?? 900,
    maxExpiresInSeconds: resolveMaxExpiry(given),
    viewExpiresInSeconds: given.viewExpiresInSeconds ?? 3600,
    stagingPrefix,
    deployment: createDeployment({ name: given.deployment, secrets, bucket: given.storage.bucket, stagingPrefix }),
    maxBodyBytes: given.maxBodyBytes ?? 256 * KiB,
    formMaxBytes: given.formMaxBytes ?? MiB,
    multipartMinBytes: given.multipartMinBytes ?? 16 * MiB,
    copyMaxBytes: given.copyMaxBytes ?? maxSingleBytes,
    completionWaitSeconds: given.completionWaitSeconds ?? 20,
    ledger: given.ledger && guardLedger(given.ledger),
    quota: given.quota ?? null,
    abandonAfterSeconds: given.abandonAfterSeconds ?? 86_400,
    keepAuditDays: given.keepAuditDays ?? 90,
    webhooks: given.webhooks && checkWebhooks(given.webhooks),
    rateLimits: resolveRateLimits(given),
    events: given.events && checkEvents(given.events),
    upkeep: given.upkeep && checkUpkeep(given.upkeep),
    waitUntil: given.waitUntil,
    instrument: given.instrument,
    onEvent: given.onEvent,
    now: given.now ?? Date.now,
    random: given.random,
  };
  if (partial.webhooks) requirePublicUrl(partial.webhooks, publicUrl);
  const routes = new Map<string, ResolvedRoute>();
  for (const [name, route] of Object.entries(given.routes))
    routes.set(name, {
      ...resolveRoute(name, route, given.storage, partial),
      addressOwner: addressOwnerOf(name, given, secrets),
    });
  if (routes.size === 0) throw new WaybillError('config_invalid', '`routes` is empty. Add at least one route.');
  return Object.freeze({ ...partial, routes });
}

function resolveRateLimits({
  rateLimit,
  clientAddress,
  onEvent,
  now = Date.now,
}: UploadsOptions): RateLimits | undefined {
  if (!rateLimit) return undefined;
  const emit = createEmit(onEvent ?? createFailureLog(now), now);
  return createRateLimits(checkRateLimit(rateLimit, clientAddress !== undefined), { clientAddress, emit, now });
}

function resolveMaxExpiry({ expiresInSeconds = 900, maxExpiresInSeconds = expiresInSeconds }: UploadsOptions): number {
  if (maxExpiresInSeconds >= expiresInSeconds) return maxExpiresInSeconds;
  throw new WaybillError(
    'config_invalid',
    '`maxExpiresInSeconds` is below `expiresInSeconds`: raise it or leave it out.',
  );
}

function instrumented(storage: Storage, instrument: Instrument | undefined): Storage {
  if (!instrument) return storage;
  return instrumentStorage(storage, (operation, run) => instrument(`waybill.storage.${operation}`, {}, run));
}

function resolveRoute(
  name: string,
  route: AnyRoute,
  storage: Storage,
  {
    formMaxBytes,
    multipartMinBytes,
    instrument,
    ledger,
    quota,
  }: Pick<Config, 'formMaxBytes' | 'multipartMinBytes' | 'instrument' | 'ledger' | 'quota'>,
): Omit<ResolvedRoute, 'addressOwner'> {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(name))
    throw new WaybillError('config_invalid', `The route name "${name}" is not letters, digits, "-" and "_".`);
  const definition = route?.definition;
  if (!definition) throw new WaybillError('config_invalid', `The route "${name}" was not made by route().`);
  const { limits } = definition;
  const integrity = definition.integrity ?? 'checksum';
  const checksum = integrity === 'checksum' ? requireChecksum(name, storage) : null;
  requireStableBytes(name, storage, checksum);
  if (definition.key && !definition.replace) requireUniqueKeys(name, storage.capabilities, ledger !== undefined);
  if (definition.dedupe && checksum !== 'sha256')
    throw new WaybillError('config_invalid', `The route "${name}" cannot \`dedupe\`: its storage verifies no SHA-256.`);
  const counted = ledger !== undefined && (quota !== null || definition.quota !== undefined);
  // A form cannot be made to store only once, so that what it stores after the end of its upload would not be counted.
  const formBinds = (algorithm: string | null) => !counted && formIsBound(storage, algorithm);
  const byForm = formMaxBytes > 0 && formBinds(checksum);
  const multipart = partsAreBound(storage, checksum);
  if (limits.maxBytes > maxSingleBytes && !multipart)
    throw new WaybillError(
      'config_invalid',
      `The route "${name}" takes files over 5 GiB, which need multipart uploads, and this storage has none that verify what the route promises.`,
    );
  const transfers: Transfer[] = [
    ...(byForm ? (['form'] as const) : []),
    'put',
    ...(multipart ? (['multipart'] as const) : []),
  ];
  const full = { ...limits, minBytes: limits.minBytes ?? 1, maxFiles: limits.maxFiles ?? 100 };
  return Object.freeze({
    name,
    definition: instrumentCallbacks(name, definition, instrument),
    limits: full,
    public: isAnyone(definition.authorize),
    counted,
    checksum,
    multipart,
    formBinds,
    cacheControl: definition.cacheControl ?? 'private, max-age=86400, immutable',
    info: {
      route: name,
      limits: {
        ...(limits.contentTypes ? { contentTypes: [...limits.contentTypes] } : {}),
        ...(limits.extensions ? { extensions: [...limits.extensions] } : {}),
        minBytes: full.minBytes,
        maxBytes: full.maxBytes,
        maxFiles: full.maxFiles,
      },
      checksum,
      transfers,
      formMaxBytes: byForm ? formMaxBytes : 0,
      multipartMinBytes,
      hosts: [...storage.publicOrigins],
    },
  });
}

function requireChecksum(name: string, { capabilities }: Storage): 'sha256' | 'md5' {
  const strongest = strongestChecksum(capabilities);
  if (strongest !== null) return strongest;
  throw new WaybillError(
    'config_invalid',
    `The route "${name}" promises exact bytes, and this storage verifies neither SHA-256 nor Content-MD5. Say \`integrity: 'size-only'\` to accept that.`,
  );
}

/**
 * The bytes that were verified must be the bytes that are stored, see {@link chooseCopyGuard}. SHA-256 ensures that by
 * itself. An MD5 does not, because two different files can share one (RFC 6151 section 2.1), and a size does even less.
 */
function requireStableBytes(name: string, { capabilities }: Storage, checksum: 'sha256' | 'md5' | null): void {
  if (chooseCopyGuard(capabilities, checksum) !== null) return;
  throw new WaybillError(
    'config_invalid',
    `The route "${name}" cannot be safe on this storage: it verifies no SHA-256, does not refuse a second write (\`once\`) and does not tell writes apart (\`writeIds\`), so that bytes could change after they were checked.`,
  );
}

/** Every part carries the route's own algorithm, because S3 composes one checksum of one algorithm. */
function partsAreBound({ capabilities }: Storage, algorithm: 'sha256' | 'md5' | null): boolean {
  if (!capabilities.multipart) return false;
  if (algorithm === null) return true;
  return algorithm === 'md5' ? capabilities.contentMd5 : capabilities.partChecksums.includes(algorithm);
}

/**
 * A form has no If-None-Match (https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html): until it expires
 * it can replace what it stored. Only SHA-256 keeps the bytes the same then.
 */
function formIsBound({ capabilities }: Storage, algorithm: string | null): boolean {
  return capabilities.postPolicy && algorithm === 'sha256' && capabilities.postChecksums.includes('sha256');
}
