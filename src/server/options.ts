import { GiB, MiB, s3PartLimits, WaybillError } from '../protocol/index.ts';
import type { Storage } from '../s3/types.ts';
import { createEmit, type UploadsEvent } from './events.ts';
import type { Instrument } from './instrument.ts';
import type { Ledger, Quota } from './ledger.ts';
import type { RandomFill } from './random-pool.ts';
import { createRateLimits, type Rate, type RateLimitOptions, type RateLimits } from './rate-limit.ts';
import { type AnyRoute, checkOptions, isQuota, quotaRule } from './route.ts';
import { checkSecrets, type Secret } from './secrets.ts';
import type { EventsOptions } from './storage-events/index.ts';
import { topicArn } from './storage-events/topic-arn.ts';
import type { CallbackRequest } from './types.ts';
import type { WebhooksOptions } from './webhooks/options.ts';

export interface UploadsOptions<Routes extends Record<string, AnyRoute> = Record<string, AnyRoute>> {
  storage: Storage;
  /**
   * Seals grants. At least 32 random characters, the same on every replica. A list rotates: the first seals, all open.
   * A function is called at first use, and an empty string is refused then: a build without secrets may import the module.
   * @example () => process.env.WAYBILL_SECRET ?? ''
   */
  secret: Secret | (() => Secret);
  /** Seals view URLs, which live as long as the app links to them: rotate it apart from `secret`. @default `secret` */
  viewSecret?: Secret | (() => Secret);
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
  /**
   * The longest that a client may ask to have parts signed for, in seconds; at most seven days. A phone that sends in the
   * background asks for hours or days. Whoever holds such requests can send these parts until then, also after `authorize`
   * has begun to refuse. @default `expiresInSeconds` @example 86_400
   */
  maxExpiresInSeconds?: number;
  /** How long the storage's URL behind a view lives, in seconds; at most seven days. @default 3600 */
  viewExpiresInSeconds?: number;
  /** Where uploads land until they are verified. A lifecycle rule on it collects what is left. @default 'incoming/' */
  stagingPrefix?: string;
  /**
   * Names this deployment where several share a bucket, a staging prefix and a secret, such as two with a ledger each: no
   * grant of one is good at the other, and a sweep leaves the other's uploads alone. The same on every replica. Uploads that
   * are under way when it changes have to be started again. @default told apart by `secret` @example 'shop-eu'
   */
  deployment?: string;
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
  /**
   * What one owner may have, over all routes. Needs a ledger; on a route for `anyone` it counts by address and needs
   * `clientAddress`. @default no limit
   */
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
   * The address that a request comes from, for `rateLimit.perAddress`, and for limits of each owner (`quota`,
   * `rateLimit.perOwner`) on routes for `anyone`: there an address is an owner. Behind a proxy it is in a header of the proxy's own;
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

export const isObject = (value: unknown) => typeof value === 'object' && value !== null;
const isFunction = (value: unknown) => typeof value === 'function';
const isSeconds = (max: number) => (value: unknown) =>
  Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= max;
const isText = (shape: RegExp) => (value: unknown) => typeof value === 'string' && shape.test(value);

const isBytes = (min: number, max: number) => (value: unknown) =>
  Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;

/** The most that one PUT carries and one CopyObject copies. https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html */
export const maxSingleBytes = 5 * GiB;

export const optionTable: Parameters<typeof checkOptions>[2] = [
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
  ['maxExpiresInSeconds', 'a whole number from 1 to 604,800', isSeconds(604_800)],
  ['viewExpiresInSeconds', 'a whole number from 1 to 604,800', isSeconds(604_800)],
  ['stagingPrefix', "a prefix such as 'incoming/'", isText(/^([A-Za-z0-9_-][A-Za-z0-9._-]*\/)+$/)],
  ['deployment', 'a name of 1 to 64 letters, digits, ".", "_" and "-"', isText(/^[A-Za-z0-9._-]{1,64}$/)],
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

export function checkRateLimit(
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

export function checkEvents(events: EventsOptions): EventsOptions {
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
export function refuseWithoutLedger(given: UploadsOptions): void {
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
