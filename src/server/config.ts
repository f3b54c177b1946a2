/** Options resolve once, into one frozen config. An unknown option is an error. */
import type { Limits, RouteInfo, Transfer } from '../protocol/index.ts';
import { GiB, KiB, MiB, s3PartLimits, WaybillError } from '../protocol/index.ts';
import type { Storage } from '../s3/types.ts';
import { createEmit, type UploadsEvent } from './events.ts';
import { guardLedger } from './guard-ledger.ts';
import { type Instrument, instrumentCallbacks, instrumentStorage } from './instrument.ts';
import type { Ledger, Quota } from './ledger.ts';
import type { RandomFill } from './random-pool.ts';
import { createRateLimits, type Rate, type RateLimitOptions, type RateLimits } from './rate-limit.ts';
import { type AnyRoute, checkOptions, isAnyone, isQuota, quotaRule } from './route.ts';
import { checkSecrets, type Secret } from './secrets.ts';
import type { EventsOptions } from './storage-events/index.ts';
import { topicArn } from './storage-events/topic-arn.ts';
import type { CallbackRequest, ErasedDefinition } from './types.ts';
import { checkWebhooks, type ResolvedWebhooks, type WebhooksOptions } from './webhooks/options.ts';

export interface UploadsOptions<Routes extends Record<string, AnyRoute> = Record<string, AnyRoute>> {
  storage: Storage;
  /**
   * Seals grants. At least 32 random characters, the same on every replica. A list rotates: the first seals, all open.
   * @example process.env.WAYBILL_SECRET
   */
  secret: Secret;
  /** Seals view URLs, which live as long as the app links to them: rotate it apart from `secret`. @default `secret` */
  viewSecret?: Secret;
  /** Route names are letters, digits, `-` and `_`. */
  routes: Routes;
  /** Where the handler is mounted. @default '' @example '/api' */
  basePath?: string;
  /** Put before `file.url`. @default '' (relative to the origin) @example 'https://app.example' */
  publicUrl?: string;
  /**
   * Other origins whose pages may call, exactly as browsers send them. `'*'` admits all, but never with cookies.
   * @default [] (the same origin only) @example ['https://app.example', 'capacitor://localhost']
   */
  allowedOrigins?: readonly string[];
  /** How long a permission is signed for, in seconds; at most a day. @default 900 */
  expiresInSeconds?: number;
  /** How long the storage's URL behind a view lives, in seconds; at most seven days. @default 3600 */
  viewExpiresInSeconds?: number;
  /** Where uploads land until they are verified. A lifecycle rule on it collects what is left. @default 'incoming/' */
  stagingPrefix?: string;
  /** Largest request body, in bytes. @default 262_144 */
  maxBodyBytes?: number;
  /** Files up to this size may go by `form`, in bytes. @default 1_048_576 */
  formMaxBytes?: number;
  /**
   * Files of at least this many bytes go by `multipart` when the client can, in bytes; at least 5 MiB. Streams and files
   * over 5 GiB always do. @default 16_777_216
   */
  multipartMinBytes?: number;
  /**
   * The largest object that one CopyObject moves out of staging, in bytes; a larger one is copied in parts, several at
   * once. From 5 MiB to 5 GiB, the most that S3 copies in one. @default 5_368_709_120
   */
  copyMaxBytes?: number;
  /** A completion that takes longer is answered with 202 and goes on, in seconds. @default 20 */
  completionWaitSeconds?: number;
  /**
   * The durable record of uploads: quota, callbacks that run once, webhooks, the sweep. Without one the storage is the
   * database, and callbacks run at least once.
   *
   * @example await sqliteLedger({ file: 'uploads.db' })
   */
  ledger?: Ledger;
  /** What one owner may have, over all routes. Needs a ledger. @default no limit */
  quota?: Quota;
  /**
   * An upload in parts that nobody has asked about for this long after its permission expired is given up: its parts go
   * with the next sweep, and its quota comes back, in seconds. @default 86_400
   */
  abandonAfterSeconds?: number;
  /**
   * Signed messages to an app in another process: written with the ending they tell of, and sent by `startDelivering()` until
   * they are taken. Needs a ledger. @default none
   */
  webhooks?: WebhooksOptions;
  /** How often an owner and an address may ask. @default no limit */
  rateLimit?: RateLimitOptions;
  /**
   * The address that a request comes from, for `rateLimit.perAddress`. Behind a proxy it is in a header of the proxy's own;
   * a header that any client can send is no address. @example ({ raw }) => (raw as IncomingMessage).socket.remoteAddress
   */
  clientAddress?: (request: CallbackRequest) => string | null | undefined;
  /** Who may say that an object has arrived: `POST {basePath}/events`, see docs/storage.md. @default nobody */
  events?: EventsOptions;
  /** Spans around requests, callbacks and calls to the storage, for OpenTelemetry and its like. @default none */
  instrument?: Instrument;
  /** Events for logs and metrics, see `events.ts`. Called synchronously. */
  onEvent?: (event: UploadsEvent) => void;
  /** Milliseconds since the epoch. @default Date.now */
  now?: () => number;
  /** Fills an array with unpredictable bytes. @default node:crypto's */
  random?: RandomFill;
}

export interface ResolvedRoute {
  name: string;
  definition: ErasedDefinition;
  limits: Limits & { minBytes: number; maxFiles: number };
  public: boolean;
  /** Null for `size-only`. */
  checksum: 'sha256' | 'md5' | null;
  /** Whether the storage keeps by parts what the route promises. */
  multipart: boolean;
  /** Whether a form binds what the route's integrity asks for, by checksum algorithm. */
  formBinds: (algorithm: string | null) => boolean;
  cacheControl: string;
  info: RouteInfo;
}

export interface Config {
  storage: Storage;
  secrets: readonly string[];
  viewSecrets: readonly string[];
  routes: ReadonlyMap<string, ResolvedRoute>;
  basePath: string;
  publicUrl: string;
  /** Origin and host of `publicUrl`, when it has one. */
  publicOrigin: string | null;
  publicHost: string | null;
  allowedOrigins: ReadonlySet<string>;
  expiresInSeconds: number;
  viewExpiresInSeconds: number;
  stagingPrefix: string;
  maxBodyBytes: number;
  formMaxBytes: number;
  multipartMinBytes: number;
  copyMaxBytes: number;
  completionWaitSeconds: number;
  ledger: Ledger | undefined;
  quota: Quota | null;
  abandonAfterSeconds: number;
  events: EventsOptions | undefined;
  webhooks: ResolvedWebhooks | undefined;
  rateLimits: RateLimits | undefined;
  instrument: Instrument | undefined;
  onEvent: ((event: UploadsEvent) => void) | undefined;
  now: () => number;
  random: RandomFill | undefined;
}

const isObject = (value: unknown) => typeof value === 'object' && value !== null;
const isFunction = (value: unknown) => typeof value === 'function';
const isSeconds = (max: number) => (value: unknown) =>
  Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= max;
const isText = (shape: RegExp) => (value: unknown) => typeof value === 'string' && shape.test(value);

const isBytes = (min: number, max: number) => (value: unknown) =>
  Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;

/** The most that one PUT carries and one CopyObject copies. https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html */
export const maxSingleBytes = 5 * GiB;

const options: Parameters<typeof checkOptions>[2] = [
  ['storage', 'a storage, such as s3Storage({...})', isObject, true],
  ['secret', 'at least 32 random characters, or a list of such', () => true],
  ['viewSecret', 'at least 32 random characters, or a list of such', () => true],
  ['routes', 'an object of routes', isObject, true],
  ['basePath', "'' or a path such as '/api', without a slash at its end", isText(/^(\/[A-Za-z0-9._~-]+)*$/)],
  [
    'publicUrl',
    "'' or an http(s) URL without a slash at its end",
    isText(/^(https?:\/\/[^/?#\s]+(\/[^?#\s]*[^/?#\s])?)?$/),
  ],
  ['allowedOrigins', "a list of origins such as 'https://app.example', without a slash at their ends", isOrigins],
  ['expiresInSeconds', 'a whole number from 1 to 86,400', isSeconds(86_400)],
  ['viewExpiresInSeconds', 'a whole number from 1 to 604,800', isSeconds(604_800)],
  ['stagingPrefix', "a prefix such as 'incoming/'", isText(/^([A-Za-z0-9_-][A-Za-z0-9._-]*\/)+$/)],
  ['maxBodyBytes', 'a whole number of bytes', isSeconds(64 * MiB)],
  ['formMaxBytes', 'a whole number of bytes', (value) => value === 0 || isSeconds(64 * MiB)(value)],
  ['multipartMinBytes', 'a whole number of bytes, at least 5 MiB', isBytes(s3PartLimits.minPartBytes, maxSingleBytes)],
  ['copyMaxBytes', 'a whole number of bytes from 5 MiB to 5 GiB', isBytes(s3PartLimits.minPartBytes, maxSingleBytes)],
  ['completionWaitSeconds', 'a whole number from 1 to 600', isSeconds(600)],
  ['ledger', 'a ledger, such as sqliteLedger({...})', isObject],
  ['quota', quotaRule, isQuota],
  ['abandonAfterSeconds', 'a whole number from 60 to 2,592,000', isBytes(60, 2_592_000)],
  ['webhooks', 'an object with `url` and `secret`', isObject],
  ['rateLimit', 'an object with `perOwner` or `perAddress`', isObject],
  ['clientAddress', 'a function of the request', isFunction],
  ['events', 'an object with `secret`, `sns`, or both', isObject],
  ['instrument', 'a function', isFunction],
  ['onEvent', 'a function', isFunction],
  ['now', 'a function', isFunction],
  ['random', 'a function', isFunction],
];

function isOrigins(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => one === '*' || isText(/^[a-z][a-z0-9+.-]*:\/\/[^/?#\s]+$/)(one));
}

export function resolveConfig(given: UploadsOptions): Config {
  if (!isObject(given)) throw new WaybillError('config_invalid', 'createUploads() takes an object.');
  checkOptions('createUploads', given, options);
  const secrets = checkSecrets('secret', given.secret);
  if (!given.ledger) refuseWithoutLedger(given);
  const publicUrl = given.publicUrl ?? '';
  const partial = {
    storage: instrumented(given.storage, given.instrument),
    secrets,
    viewSecrets: given.viewSecret === undefined ? secrets : checkSecrets('viewSecret', given.viewSecret),
    basePath: given.basePath ?? '',
    publicUrl,
    publicOrigin: publicUrl === '' ? null : new URL(publicUrl).origin,
    publicHost: publicUrl === '' ? null : new URL(publicUrl).host,
    allowedOrigins: new Set(given.allowedOrigins ?? []),
    expiresInSeconds: given.expiresInSeconds ?? 900,
    viewExpiresInSeconds: given.viewExpiresInSeconds ?? 3600,
    stagingPrefix: given.stagingPrefix ?? 'incoming/',
    maxBodyBytes: given.maxBodyBytes ?? 256 * KiB,
    formMaxBytes: given.formMaxBytes ?? MiB,
    multipartMinBytes: given.multipartMinBytes ?? 16 * MiB,
    copyMaxBytes: given.copyMaxBytes ?? maxSingleBytes,
    completionWaitSeconds: given.completionWaitSeconds ?? 20,
    ledger: given.ledger && guardLedger(given.ledger),
    quota: given.quota ?? null,
    abandonAfterSeconds: given.abandonAfterSeconds ?? 86_400,
    webhooks: given.webhooks && checkWebhooks(given.webhooks),
    rateLimits: given.rateLimit && checkRateLimit(given.rateLimit, given),
    events: given.events && checkEvents(given.events),
    instrument: given.instrument,
    onEvent: given.onEvent,
    now: given.now ?? Date.now,
    random: given.random,
  };
  const routes = new Map<string, ResolvedRoute>();
  for (const [name, route] of Object.entries(given.routes))
    routes.set(name, resolveRoute(name, route, given.storage, partial));
  if (routes.size === 0) throw new WaybillError('config_invalid', '`routes` is empty: nothing could be uploaded.');
  return Object.freeze({ ...partial, routes });
}

function instrumented(storage: Storage, instrument: Instrument | undefined): Storage {
  if (!instrument) return storage;
  return instrumentStorage(storage, (operation, run) => instrument(`waybill.storage.${operation}`, {}, run));
}

function checkRateLimit(
  rateLimit: RateLimitOptions,
  { clientAddress, onEvent, now = Date.now }: UploadsOptions,
): RateLimits {
  const rate = 'an object with `points` and `perSeconds`: whole numbers from 1';
  checkOptions('`rateLimit`', rateLimit, [
    ['perOwner', rate, isRate],
    ['perAddress', rate, isRate],
    ['store', 'a store, such as postgresRateLimits({...})', isObject],
  ]);
  if (!rateLimit.perOwner && !rateLimit.perAddress)
    throw new WaybillError('config_invalid', '`rateLimit` limits nothing: say `perOwner`, `perAddress`, or both.');
  if (rateLimit.perAddress && !clientAddress)
    throw new WaybillError(
      'config_invalid',
      '`rateLimit.perAddress` needs `clientAddress`: who asks is for you to know.',
    );
  return createRateLimits(rateLimit, { clientAddress, emit: createEmit(onEvent, now), now });
}

function isRate(value: unknown): boolean {
  const { points, perSeconds } = (value ?? {}) as Partial<Rate>;
  return isSeconds(1e9)(points) && isSeconds(31_536_000)(perSeconds);
}

function checkEvents(events: EventsOptions): EventsOptions {
  checkOptions('`events`', events, [
    ['secret', 'at least 32 random characters, or a list of such', () => true],
    ['sns', 'an object with `topicArns`', isObject],
  ]);
  if (events.secret === undefined && !events.sns)
    throw new WaybillError('config_invalid', '`events` needs a `secret`, or `sns`: nobody unknown is believed.');
  if (events.secret !== undefined) checkSecrets('events.secret', events.secret);
  if (events.sns)
    checkOptions('`events.sns`', events.sns, [
      ['topicArns', 'a list of topics: arn:aws:sns:...', isTopics, true],
      ['fetch', 'a function', isFunction],
    ]);
  return events;
}

function isTopics(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(isText(topicArn));
}

/** Accepted and ignored would be worse than missing. */
function refuseWithoutLedger(given: UploadsOptions): void {
  const needing = [
    ...(['quota', 'webhooks'] as const).filter((name) => given[name] !== undefined),
    ...Object.entries(given.routes).flatMap(([name, { definition }]) =>
      (['quota', 'dedupe'] as const)
        .filter((option) => definition?.[option])
        .map((option) => `routes.${name}.${option}`),
    ),
  ];
  if (needing.length > 0)
    throw new WaybillError('config_invalid', `\`${needing[0]}\` needs a ledger: \`createUploads({ ledger })\`.`);
}

function resolveRoute(
  name: string,
  route: AnyRoute,
  storage: Storage,
  { formMaxBytes, multipartMinBytes, instrument }: Pick<Config, 'formMaxBytes' | 'multipartMinBytes' | 'instrument'>,
): ResolvedRoute {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(name))
    throw new WaybillError('config_invalid', `The route name "${name}" is not letters, digits, "-" and "_".`);
  const definition = route?.definition;
  if (!definition) throw new WaybillError('config_invalid', `The route "${name}" was not made by route().`);
  const { limits } = definition;
  const integrity = definition.integrity ?? 'checksum';
  const checksum = integrity === 'checksum' ? strongestChecksum(name, storage) : null;
  if (integrity === 'size-only') requireStableBytes(name, storage);
  if (definition.dedupe && checksum !== 'sha256')
    throw new WaybillError('config_invalid', `The route "${name}" cannot \`dedupe\`: its storage verifies no SHA-256.`);
  const formBinds = (algorithm: string | null) => formIsBound(storage, algorithm);
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
  const full = { ...limits, minBytes: limits.minBytes ?? 1, maxFiles: limits.maxFiles ?? 10 };
  return Object.freeze({
    name,
    definition: instrumentCallbacks(name, definition, instrument),
    limits: full,
    public: isAnyone(definition.authorize),
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

/** CRCs are not among them: whoever sends can forge one. */
function strongestChecksum(name: string, { capabilities }: Storage): 'sha256' | 'md5' {
  if (capabilities.checksums.includes('sha256')) return 'sha256';
  if (capabilities.contentMd5) return 'md5';
  throw new WaybillError(
    'config_invalid',
    `The route "${name}" promises exact bytes, and this storage verifies neither SHA-256 nor Content-MD5. Say \`integrity: 'size-only'\` to accept that.`,
  );
}

/** Without a checksum the bytes that were verified must at least be the bytes that are promoted. */
function requireStableBytes(name: string, { capabilities }: Storage): void {
  if (capabilities.once || capabilities.copyPrecondition) return;
  throw new WaybillError(
    'config_invalid',
    `The route "${name}" is \`size-only\`, and this storage neither refuses a second write nor copies conditionally: bytes could change after they were checked.`,
  );
}

/** Every part carries the route's own algorithm, because S3 composes one checksum of one algorithm. */
function partsAreBound({ capabilities }: Storage, algorithm: 'sha256' | 'md5' | null): boolean {
  if (!capabilities.multipart) return false;
  if (algorithm === null) return true;
  return algorithm === 'md5' ? capabilities.contentMd5 : capabilities.partChecksums.includes(algorithm);
}

function formIsBound({ capabilities }: Storage, algorithm: string | null): boolean {
  if (!capabilities.postPolicy) return false;
  if (algorithm === null) return true;
  if (algorithm === 'md5') return capabilities.postContentMd5;
  return (capabilities.postChecksums as readonly string[]).includes(algorithm);
}
