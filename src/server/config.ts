/** What `createUploads` was given, checked and with its defaults: see `resolve-config.ts`. */
import type { Limits, RouteInfo } from '../protocol/index.ts';
import type { Storage } from '../s3/index.ts';
import type { CallbackRequest, Owner } from './callback-inputs.ts';
import type { UploadsEvent } from './events.ts';
import type { RateLimits } from './rate-limits/rate-limits.ts';
import type { ErasedDefinition } from './route-definition.ts';
import type { Deployment } from './shared/deployment.ts';
import type { Instrument } from './shared/instrument.ts';
import type { RandomFill } from './shared/random-pool.ts';
import type { Ledger, Quota } from './state/ledger.ts';
import type { ResolvedEvents } from './storage-events/options.ts';
import type { ResolvedUpkeep } from './upkeep-request.ts';
import type { ResolvedWebhooks } from './webhooks/options.ts';

export interface ResolvedRoute {
  name: string;
  definition: ErasedDefinition;
  limits: Limits & { minBytes: number; maxFiles: number };
  public: boolean;
  /** Whether a quota counts what is stored by this route. */
  counted: boolean;
  /** On a route for `anyone` with limits for each owner: returns the owner that stands for the client's address. */
  addressOwner: ((request: CallbackRequest) => Owner) | undefined;
  /** Null for `size-only`. */
  checksum: 'sha256' | 'md5' | null;
  /** Whether the storage can verify uploads in parts as the route promises. */
  multipart: boolean;
  /**
   * Whether the storage verifies this checksum in a form. False without one: a form can be sent again with other bytes.
   */
  formBinds: (algorithm: string | null) => boolean;
  cacheControl: string;
  info: RouteInfo;
}

export interface Config {
  storage: Storage;
  /** These throw `config_invalid` when the environment that they are read from does not have them. */
  secrets: () => readonly string[];
  viewSecrets: () => readonly string[];
  routes: ReadonlyMap<string, ResolvedRoute>;
  /** Whether a route has `authorizeList`. */
  hasOpenLists: boolean;
  basePath: string;
  publicUrl: string;
  /** Origin and host of `publicUrl`, when it has one. */
  publicOrigin: string | null;
  publicHost: string | null;
  allowedOrigins: ReadonlySet<string>;
  expiresInSeconds: number;
  maxExpiresInSeconds: number;
  viewExpiresInSeconds: number;
  stagingPrefix: string;
  deployment: Deployment;
  maxBodyBytes: number;
  formMaxBytes: number;
  multipartMinBytes: number;
  copyMaxBytes: number;
  completionWaitSeconds: number;
  ledger: Ledger | undefined;
  quota: Quota | null;
  abandonAfterSeconds: number;
  keepAuditDays: number;
  events: ResolvedEvents | undefined;
  upkeep: ResolvedUpkeep | undefined;
  waitUntil: ((work: Promise<unknown>) => void) | undefined;
  webhooks: ResolvedWebhooks | undefined;
  rateLimits: RateLimits | undefined;
  instrument: Instrument | undefined;
  onEvent: ((event: UploadsEvent) => void) | undefined;
  now: () => number;
  random: RandomFill | undefined;
}
