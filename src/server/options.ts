import { MiB, s3PartLimits, WaybillError } from '../protocol/index.ts';
import {
  functionRule,
  isMatchingText,
  isObject,
  isWholeNumber,
  type OptionTable,
  wholeNumberRule,
} from '../protocol/internal.ts';
import type { Storage } from '../s3/index.ts';
import type { CallbackRequest } from './callback-inputs.ts';
import type { UploadsEvent } from './events.ts';
import type { RateLimitOptions } from './rate-limits/rate-limits.ts';
import { type AnyRoute, quotaRule } from './route.ts';
import type { Instrument } from './shared/instrument.ts';
import type { RandomFill } from './shared/random-pool.ts';
import { type SecretOption, secretRule } from './shared/secrets.ts';
import { maxSingleBytes } from './shared/storage-limits.ts';
import type { Ledger, Quota } from './state/ledger.ts';
import type { EventsOptions } from './storage-events/options.ts';
import type { UpkeepRequestOptions } from './upkeep-request.ts';
import type { WebhooksOptions } from './webhooks/options.ts';

export interface UploadsOptions<Routes extends Record<string, AnyRoute> = Record<string, AnyRoute>> {
  /**
   * Where files are stored. @example s3Storage({ bucket: 'user-content', credentials: envCredentials(process.env) })
   */
  storage: Storage;
  /**
   * Seals grants. At least 32 random characters, the same on every replica. Of a list, the first secret seals, and
   * every secret opens, so that a secret can be replaced. A function is called at first use, and an empty string is
   * refused only then, so that a build without secrets can import the module.
   * @example () => process.env.WAYBILL_SECRET ?? ''
   */
  secret: SecretOption;
  /**
   * Seals the URLs of stored files (`file.url`), which must be valid for as long as the app links to them. It can be
   * replaced independently of `secret`.
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
   * Other origins whose pages may call this server, exactly as browsers send them. `'*'` allows every origin, but never
   * with cookies.
   * @default [] (the same origin only) @example ['https://app.example', 'capacitor://localhost']
   */
  allowedOrigins?: readonly string[];
  /** How long a grant and its signed requests are valid, in seconds; at most a day. @default 900 @example 300 */
  expiresInSeconds?: number;
  /**
   * The longest that a client may ask to have parts signed for, in seconds; at most seven days. A phone that sends in
   * the background asks for hours or days. The holder of such requests can send these parts until then, even when
   * `authorize` refuses the user in the meantime. @default `expiresInSeconds` @example 86_400
   */
  maxExpiresInSeconds?: number;
  /**
   * How long the presigned URL that `file.url` redirects to is valid, in seconds; at most seven days. @default 3600
   * @example 300
   */
  viewExpiresInSeconds?: number;
  /**
   * The prefix of keys where uploads arrive and wait until they are verified. A lifecycle rule deletes what is left
   * there.
   * @default 'incoming/' @example 'staging/'
   */
  stagingPrefix?: string;
  /**
   * Names this deployment where several share a bucket, a staging prefix and a secret, such as two with a ledger each.
   * A grant of one deployment is not valid in another, and a sweep does not change the uploads of another. The name is
   * the same on every replica. Uploads that are under way when it changes have to be started again. @default
   * deployments are told apart by `secret` @example 'shop-eu'
   */
  deployment?: string;
  /** The largest request body that the handler reads, in bytes; at most 64 MiB. @default 262_144 @example 1_048_576 */
  maxBodyBytes?: number;
  /** Files of up to this many bytes may be sent by `form`; 0 disables forms. @default 1_048_576 @example 0 */
  formMaxBytes?: number;
  /**
   * Files of at least this many bytes are sent by `multipart` when the client supports it; at least 5 MiB. Streams and
   * files over 5 GiB always are. @default 16_777_216 @example 32 * MiB
   */
  multipartMinBytes?: number;
  /**
   * The largest object that one CopyObject copies out of staging, in bytes, from 5 MiB to 5 GiB. A larger one is copied
   * in parts, several at once. @default 5_368_709_120 @example 1_073_741_824
   */
  copyMaxBytes?: number;
  /**
   * How long a client waits for its completion, in seconds, from 1 to 600. A completion that takes longer is answered
   * with 202 and continues. @default 20 @example 5
   */
  completionWaitSeconds?: number;
  /**
   * The durable record of uploads, for quota, webhooks and callbacks that run once. Without a ledger, the states of
   * uploads are objects in the storage, and `onComplete` runs at least once.
   * @default none @example await sqliteLedger({ file: 'uploads.db' })
   */
  ledger?: Ledger;
  /**
   * What one owner may store, over all routes. Needs a ledger. On a route for `anyone` it counts by address and needs
   * `clientAddress`. @default no limit @example { maxBytes: 10 * GiB }
   */
  quota?: Quota;
  /**
   * An upload in parts is abandoned when its grant expired this long ago and no client has asked about it since. The
   * next sweep deletes its parts and gives its quota back. In seconds, from 60 to 2,592,000. @default 86_400 @example
   * 3_600
   */
  abandonAfterSeconds?: number;
  /**
   * The sweep deletes entries of the audit trail that are older than this. In days, from 1 to 3,650. Needs a ledger.
   * @default 90 @example 365
   */
  keepAuditDays?: number;
  /**
   * Signed messages about ended uploads, for an app in another process. `startUpkeep()` sends each of them until the
   * receiver accepts it. Needs a ledger, and `publicUrl` for `upload.completed`.
   * @default none @example { url: 'https://app.example/waybill', secret }
   */
  webhooks?: WebhooksOptions;
  /**
   * How many files an owner may upload, and how many calls an address may make, in a period. @default no limit @example
   * { perOwner: { points: 600, perSeconds: 60 } }
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
   * Who may start upkeep with a request: `POST {basePath}/upkeep` sweeps once and delivers the webhooks that are due.
   * For deployments without a process that lives long, together with a cron service.
   * @default the path does not exist @example { secret: () => process.env.CRON_SECRET ?? '' }
   */
  upkeep?: UpkeepRequestOptions;
  /**
   * Keeps a serverless function alive for work that outlives its response, such as a long completion. Adapters of
   * runtimes with such a function pass it themselves. @default none @example (work) => after(() => work)
   */
  waitUntil?: (work: Promise<unknown>) => void;
  /**
   * Runs around requests, callbacks and calls to the storage, for spans of OpenTelemetry and similar tools.
   * @default none
   * @example (name, attributes, run) => tracer.startActiveSpan(name, { attributes }, (span) => run().finally(() =>
   * span.end()))
   */
  instrument?: Instrument;
  /**
   * Called with each event, for logs and metrics, see docs/operations.md. Called synchronously. @default failures of
   * the server, the storage and callbacks go to console.error, redacted; `() => {}` for silence @example (event) =>
   * log.info(event)
   */
  onEvent?: (event: UploadsEvent) => void;
  /** The clock, for tests: milliseconds since the epoch. @default Date.now */
  now?: () => number;
  /** The source of randomness, for tests: fills an array with unpredictable bytes. @default node:crypto's */
  random?: RandomFill;
}

const { minPartBytes } = s3PartLimits;
const isOrigin = isMatchingText(/^(\*|[a-z][a-z0-9+.-]*:\/\/[^/?#\s]+)$/);

export const uploadsOptions: OptionTable<UploadsOptions> = {
  storage: { expected: 'a storage, such as s3Storage({...})', isValid: isObject, required: true },
  secret: secretRule,
  viewSecret: secretRule,
  routes: { expected: 'an object of routes', isValid: isObject, required: true },
  basePath: {
    expected: "'' or a path such as '/api', without a slash at its end",
    isValid: isMatchingText(/^(\/[A-Za-z0-9._~-]+)*$/),
  },
  publicUrl: {
    expected: "'' or an http(s) URL without a slash at its end",
    isValid: isMatchingText(/^(https?:\/\/[^/?#\s]+(\/[^?#\s]*[^/?#\s])?)?$/),
  },
  allowedOrigins: {
    expected: "a list of origins such as 'https://app.example', without a slash at their ends",
    isValid: (value) => Array.isArray(value) && value.every(isOrigin),
  },
  expiresInSeconds: wholeNumberRule(1, 86_400),
  maxExpiresInSeconds: wholeNumberRule(1, 604_800),
  viewExpiresInSeconds: wholeNumberRule(1, 604_800),
  stagingPrefix: {
    expected: "a prefix such as 'incoming/'",
    isValid: isMatchingText(/^([A-Za-z0-9_-][A-Za-z0-9._-]*\/)+$/),
  },
  deployment: {
    expected: 'a name of 1 to 64 letters, digits, ".", "_" and "-"',
    isValid: isMatchingText(/^[A-Za-z0-9._-]{1,64}$/),
  },
  maxBodyBytes: { expected: 'a whole number of bytes, from 1 to 64 MiB', isValid: isWholeNumber(1, 64 * MiB) },
  formMaxBytes: { expected: 'a whole number of bytes, from 0 to 64 MiB', isValid: isWholeNumber(0, 64 * MiB) },
  multipartMinBytes: {
    expected: 'a whole number of bytes, from 5 MiB to 5 GiB',
    isValid: isWholeNumber(minPartBytes, maxSingleBytes),
  },
  copyMaxBytes: {
    expected: 'a whole number of bytes, from 5 MiB to 5 GiB',
    isValid: isWholeNumber(minPartBytes, maxSingleBytes),
  },
  completionWaitSeconds: wholeNumberRule(1, 600),
  ledger: { expected: 'a ledger, such as sqliteLedger({...})', isValid: isObject },
  quota: quotaRule,
  abandonAfterSeconds: wholeNumberRule(60, 2_592_000),
  keepAuditDays: wholeNumberRule(1, 3650),
  webhooks: { expected: 'an object with `url` and `secret`', isValid: isObject },
  rateLimit: { expected: 'an object with `perOwner` or `perAddress`', isValid: isObject },
  clientAddress: functionRule,
  events: { expected: 'an object with `secret`, `sns`, or both', isValid: isObject },
  upkeep: { expected: 'an object with `secret`', isValid: isObject },
  waitUntil: functionRule,
  instrument: functionRule,
  onEvent: functionRule,
  now: functionRule,
  random: functionRule,
};

/** `authorizeList` needs a ledger only on a route with `key`: other keys contain the owner. */
const neededOptions = ['quota', 'dedupe', 'onExpire', 'onDelete', 'authorizeRename', 'authorizeList'] as const;

/** @throws {WaybillError} `config_invalid` for an option that has no effect without a ledger */
export function refuseWithoutLedger(given: UploadsOptions): void {
  const needing = [
    ...(['quota', 'webhooks', 'keepAuditDays'] as const).filter((name) => given[name] !== undefined),
    ...Object.entries(given.routes).flatMap(([name, { definition }]) =>
      neededOptions
        .filter((option) => definition?.[option] && (option !== 'authorizeList' || definition.key))
        .map((option) => `routes.${name}.${option}`),
    ),
  ];
  if (needing.length > 0)
    throw new WaybillError('config_invalid', `\`${needing[0]}\` needs a ledger: \`createUploads({ ledger })\`.`);
}
