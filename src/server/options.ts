import { MiB, s3PartLimits, WaybillError } from '../protocol/index.ts';
import type { Storage } from '../s3/index.ts';
import { createEmit, type UploadsEvent } from './events.ts';
import { createRateLimits, type RateLimitOptions, type RateLimits } from './rate-limits/rate-limits.ts';
import type { Rate } from './rate-limits/store.ts';
import { type AnyRoute, isQuota, quotaRule } from './route.ts';
import { checkOptions, type OptionTable } from './shared/check-options.ts';
import { createFailureLog } from './shared/failure-log.ts';
import type { Instrument } from './shared/instrument.ts';
import type { RandomFill } from './shared/random-pool.ts';
import { resolveSecrets, type SecretOption } from './shared/secrets.ts';
import { maxSingleBytes } from './shared/storage-limits.ts';
import type { Ledger, Quota } from './state/ledger.ts';
import type { EventsOptions, ResolvedEvents } from './storage-events/options.ts';
import { topicArn } from './storage-events/topic-arn.ts';
import type { CallbackRequest } from './types.ts';
import type { WebhooksOptions } from './webhooks/options.ts';

export interface UploadsOptions<Routes extends Record<string, AnyRoute> = Record<string, AnyRoute>> {
  /**
   * Where files are stored. @example s3Storage({ bucket: 'user-content', credentials: envCredentials(process.env) })
   */
  storage: Storage;
  /**
   * Seals grants. At least 32 random characters, the same on every replica. A list rotates: the first seals, all open.
   * A function is called at first use, and an empty string is refused then: a build without secrets may import the module.
   * @example () => process.env.WAYBILL_SECRET ?? ''
   */
  secret: SecretOption;
  /**
   * Seals the URLs of stored files (`file.url`), which live as long as the app links to them. Rotate it apart from
   * `secret`.
   * @default `secret` @example () => process.env.WAYBILL_VIEW_SECRET ?? ''
   */
  viewSecret?: SecretOption;
  /**
   * The kinds of uploads, by name. A name has letters, digits, `-` and `_`.
   * @example { avatar: route({ limits: { maxBytes: 5 * MiB }, authorize }) }
   */
  routes: Routes;
  /** The path that the handler is mounted at, without a slash at its end. @default '' @example '/api' */
  basePath?: string;
  /**
   * The origin of this server as browsers see it. It makes `file.url` absolute, and is compared with the `Origin` of
   * requests where a proxy rewrites `Host`. @default '' (`file.url` is relative to the origin) @example
   * 'https://app.example'
   */
  publicUrl?: string;
  /**
   * Other origins whose pages may call, exactly as browsers send them. `'*'` admits all, but never with cookies.
   * @default [] (the same origin only) @example ['https://app.example', 'capacitor://localhost']
   */
  allowedOrigins?: readonly string[];
  /** How long a permission is signed for, in seconds; at most a day. @default 900 @example 300 */
  expiresInSeconds?: number;
  /**
   * The longest that a client may ask to have parts signed for, in seconds; at most seven days. A phone that sends in the
   * background asks for hours or days. Whoever holds such requests can send these parts until then, also after `authorize`
   * has begun to refuse. @default `expiresInSeconds` @example 86_400
   */
  maxExpiresInSeconds?: number;
  /** How long the storage's URL behind `file.url` lives, in seconds; at most seven days. @default 3600 @example 300 */
  viewExpiresInSeconds?: number;
  /**
   * The prefix of keys where uploads arrive and wait until they are verified. A lifecycle rule deletes what is left
   * there.
   * @default 'incoming/' @example 'staging/'
   */
  stagingPrefix?: string;
  /**
   * Names this deployment where several share a bucket, a staging prefix and a secret, such as two with a ledger each: no
   * grant of one is good at the other, and a sweep leaves the other's uploads alone. The same on every replica. Uploads that
   * are under way when it changes have to be started again. @default told apart by `secret` @example 'shop-eu'
   */
  deployment?: string;
  /** The largest request body that the handler reads, in bytes; at most 64 MiB. @default 262_144 @example 1_048_576 */
  maxBodyBytes?: number;
  /** Files of up to this many bytes may go by `form`; 0 switches forms off. @default 1_048_576 @example 0 */
  formMaxBytes?: number;
  /**
   * Files of at least this many bytes go by `multipart` when the client can, in bytes; at least 5 MiB. Streams and
   * files over 5 GiB always do. @default 16_777_216 @example 32 * MiB
   */
  multipartMinBytes?: number;
  /**
   * The largest object that one CopyObject moves out of staging, in bytes, from 5 MiB to 5 GiB. A larger one is copied
   * in parts, several at once. @default 5_368_709_120 @example 1_073_741_824
   */
  copyMaxBytes?: number;
  /**
   * A completion that takes longer than this is answered with 202 and goes on, in seconds; from 1 to 600. @default 20
   * @example 5
   */
  completionWaitSeconds?: number;
  /**
   * The durable record of uploads: quota, callbacks that run once, webhooks, the sweep. Without one the storage is the
   * database, and callbacks run at least once.
   * @default none @example await sqliteLedger({ file: 'uploads.db' })
   */
  ledger?: Ledger;
  /**
   * What one owner may have, over all routes. Needs a ledger. On a route for `anyone` it counts by address and needs
   * `clientAddress`. @default no limit @example { maxBytes: 10 * GiB }
   */
  quota?: Quota;
  /**
   * An upload in parts whose permission expired this long ago, and that no client has asked about since, is given up:
   * the next sweep deletes its parts and gives its quota back. In seconds, from 60 to 2,592,000. @default 86_400
   * @example 3_600
   */
  abandonAfterSeconds?: number;
  /**
   * Signed messages about ended uploads to an app in another process. `startUpkeep()` sends them until the receiver
   * takes them. Needs a ledger, and `publicUrl` where they tell of files.
   * @default none @example { url: 'https://app.example/waybill', secret }
   */
  webhooks?: WebhooksOptions;
  /**
   * How many files an owner, and how many calls an address, may ask for in a period. @default no limit @example {
   * perOwner: { points: 600, perSeconds: 60 } }
   */
  rateLimit?: RateLimitOptions;
  /**
   * The address that a request comes from, for `rateLimit.perAddress`, and for limits of each owner (`quota`,
   * `rateLimit.perOwner`) on routes for `anyone`: there an address is an owner. Behind a proxy, read the header that
   * your proxy sets; never read a header that any client can send.
   * @default none @example ({ raw }) => (raw as IncomingMessage).socket.remoteAddress
   */
  clientAddress?: (request: CallbackRequest) => string | null | undefined;
  /**
   * Who may report that an object has arrived: `POST {basePath}/events`, see docs/storage.md.
   * @default the path does not exist @example { secret: process.env.EVENTS_SECRET ?? '' }
   */
  events?: EventsOptions;
  /**
   * Runs around requests, callbacks and calls to the storage, for spans of OpenTelemetry and similar tools.
   * @default none
   * @example (name, attributes, run) => tracer.startActiveSpan(name, { attributes }, (span) => run().finally(() =>
   * span.end()))
   */
  instrument?: Instrument;
  /**
   * Called with each event, for logs and metrics, see docs/operations.md. Called synchronously. @default failures of the
   * server, the storage and callbacks go to console.error, redacted; `() => {}` for silence @example (event) => log.info(event)
   */
  onEvent?: (event: UploadsEvent) => void;
  /** The clock, for tests: milliseconds since the epoch. @default Date.now */
  now?: () => number;
  /** The source of randomness, for tests: fills an array with unpredictable bytes. @default node:crypto's */
  random?: RandomFill;
}

export const isObject = (value: unknown) => typeof value === 'object' && value !== null;
const isFunction = (value: unknown) => typeof value === 'function';
const isSeconds = (max: number) => (value: unknown) =>
  Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= max;
const isText = (shape: RegExp) => (value: unknown) => typeof value === 'string' && shape.test(value);

const isBytes = (min: number, max: number) => (value: unknown) =>
  Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;

export const optionTable: OptionTable = [
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
  return createRateLimits(rateLimit, { clientAddress, emit: createEmit(onEvent ?? createFailureLog(now), now), now });
}

function isRate(value: unknown): boolean {
  const { points, perSeconds } = (value ?? {}) as Partial<Rate>;
  return isSeconds(1e9)(points) && isSeconds(31_536_000)(perSeconds);
}

/** @throws {WaybillError} `config_invalid` */
export function checkEvents(events: EventsOptions): ResolvedEvents {
  checkOptions('`events`', events, [
    ['secret', 'at least 32 random characters, or a list of such', () => true],
    ['sns', 'an object with `topicArns`', isObject],
  ]);
  if (events.secret === undefined && !events.sns)
    throw new WaybillError('config_invalid', '`events` needs a `secret`, or `sns`: nobody unknown is believed.');
  if (events.sns)
    checkOptions('`events.sns`', events.sns, [
      ['topicArns', 'a list of topics: arn:aws:sns:...', isTopics, true],
      ['fetch', 'a function', isFunction],
    ]);
  const secrets = events.secret === undefined ? () => [] : resolveSecrets('events.secret', events.secret);
  return { secrets, sns: events.sns };
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
