/**
 * `createUploads()`: the upload server of an app, as an object with one method for each call. The file is long because
 * the interface documents every one of them.
 */
import {
  isWaybillError,
  type MultipartCompletion,
  type PresignedRequest,
  type RouteInfo,
  type RouteTypes,
  type TypedUploads,
  WaybillError,
} from '../protocol/index.ts';
import type { StorageFinding, StorageReport } from '../s3/index.ts';
import { toWaybillError } from '../s3/internal.ts';
import { type Completed, type Completing, describeResult } from './completion/result.ts';
import type { Config } from './config.ts';
import type { FileService } from './files/index.ts';
import { createFetch } from './http/fetch.ts';
import { createHandler } from './http/handler.ts';
import type { PlainRequest, PlainResponse } from './http/plain-request.ts';
import { type HandlerPaths, listPaths, ownsPath } from './http/resources.ts';
import type { UploadsOptions } from './options.ts';
import { resolveConfig } from './resolve-config.ts';
import type { AnyRoute } from './route.ts';
import type { Route } from './route-definition.ts';
import { createServices, type Services } from './services.ts';
import { grantInvalid, uploadNotFound } from './shared/errors.ts';
import type { OpenedGrant } from './state/claims.ts';
import type { Ledger, OwnerUsage } from './state/ledger.ts';
import type { StorageEventResult } from './storage-events/index.ts';
import type { SweepOptions, SweepReport } from './sweep/report.ts';
import type { ViewRef } from './views/view-refs.ts';
import type { PresignViewOptions } from './views/views.ts';
import type { Delivery, DeliveryOptions } from './webhooks/deliver.ts';

/** What clients learn from `createClient<typeof uploads>()`. */
export type TypesOf<Routes extends Record<string, AnyRoute>> = {
  [Name in keyof Routes]: Routes[Name] extends Route<infer Types extends RouteTypes> ? Types : never;
};

export interface Uploads<Routes extends Record<string, AnyRoute> = Record<string, AnyRoute>>
  extends TypedUploads<TypesOf<Routes>>,
    FileService {
  /** Answers a request of the Fetch API. */
  fetch(request: Request): Promise<Response>;
  /** Answers a plain request. Adapters for other kinds of servers call it. */
  handle(request: PlainRequest): Promise<PlainResponse>;
  /** Whether the handler serves this path (percent-encoded, without the query). */
  owns(path: string): boolean;
  /**
   * Signs a direct link to a stored object, which works for everyone who has the link. It works for at most seven days,
   * and no longer than the credentials.
   */
  presignView(key: string, options: PresignViewOptions): Promise<PresignedRequest>;
  /**
   * The stable URL of a stored file: what `file.url` is.
   *
   * @example uploads.viewUrl({ ...file, ownerId })
   * @throws {WaybillError} `invalid_request` without the file's `uploadId`
   */
  viewUrl(file: ViewRef): string;
  /**
   * Deletes a stored file for good: an unexpired URL cannot bring it back. Returns whether there was a file. With an
   * `uploadId` only the file that this upload stored is deleted, because another upload may have the same key by now.
   *
   * `actor` says who asked for it, for `onDelete` and the webhook `file.deleted`.
   *
   * @example await uploads.deleteFile(file.key, { uploadId: file.uploadId, actor: 'admin-7' })
   */
  deleteFile(key: string, of?: { uploadId?: string; actor?: string }): Promise<boolean>;
  /**
   * Completes an upload without asking `authorize`. Idempotent. For a stream `report` has the size.
   *
   * @throws {WaybillError} the error that the client's call would answer
   */
  complete(grant: string, report?: Omit<MultipartCompletion, 'grant'>): Promise<Completed | Completing>;
  /** Aborts an upload without asking `authorize`. */
  abort(grant: string): Promise<void>;
  /**
   * Completes by the receipt of a staged object or of its parts, as storage events and the sweep do. Null without a
   * receipt of this deployment, and for a stream in parts, whose size only its client knows.
   */
  completeObject(stagedKey: string): Promise<Completed | Completing | null>;
  /**
   * Completes an upload of the ledger from where it stopped. An operator can try an upload again with it.
   *
   * @throws {WaybillError} `upload_not_found`, or the error that the client's call would answer
   */
  completeUpload(uploadId: string): Promise<Completed | Completing>;
  /**
   * Handles a storage event from a trusted sender, such as a Lambda function or a queue, in any format that `POST
   * /events` takes. The uploads of the objects that it names are completed.
   *
   * @throws {WaybillError} `invalid_request` for a value that is not an event, else an error that another try may not
   * have
   */
  handleStorageEvent(event: unknown): Promise<StorageEventResult>;
  /**
   * Sweeps once: ends the uploads that their clients left unfinished. {@link startUpkeep} repeats it. Any number of
   * sweeps may run at once.
   *
   * @throws {WaybillError} when the storage cannot be listed, or the ledger does not answer
   */
  sweep(options?: SweepOptions): Promise<SweepReport>;
  /**
   * What an owner has stored and what is pending, in total and by route.
   *
   * @throws {WaybillError} `config_invalid` without a ledger
   */
  usage(ownerId: string): Promise<OwnerUsage>;
  /**
   * Reads the secrets, and tries the storage in about a second: reaches it, stores and deletes something small below
   * the staging prefix, and attempts what each claimed capability says is refused. Never throws: each finding says what
   * was seen and what to set.
   *
   * @example const { ok, findings } = await uploads.check(); for (const { message, fix } of findings)
   * console.error(message, fix);
   */
  check(options?: { timeoutMs?: number }): Promise<StorageReport>;
  /** Resolves when this process completes no upload, also none whose request was answered with 202. */
  idle(): Promise<void>;
  /**
   * Loads every module that otherwise loads with the first request that needs it. A server that runs for long calls it
   * before it listens; a function that starts cold leaves it out.
   *
   * @example
   * await uploads.preload();
   * server.listen(8080);
   * @throws what the runtime throws for a module that it cannot load
   */
  preload(): Promise<void>;
  /** Sends the webhooks that are due, once. Undefined without `webhooks`. {@link startUpkeep} repeats it. */
  readonly deliverWebhooks: ((options?: DeliveryOptions) => Promise<Delivery[]>) | undefined;
  /** The ledger that was given. Errors of its database become `ledger_unavailable`. */
  readonly ledger: Ledger | undefined;
  /**
   * The paths, without `basePath`, that the router of a framework must pass to the handler. `/events` and `/upkeep` are
   * among them when their options are set.
   *
   * @example
   * uploads.paths // { exact: ['/uploads'], below: ['/uploads', '/files'] }
   */
  readonly paths: HandlerPaths;
  /** The option `basePath`, or ''. */
  readonly basePath: string;
  /** The resolved configuration, without secrets: limits of the routes, origins of the storage for CORS and CSP. */
  readonly config: UploadsView;
}

/** The resolved configuration, without secrets. */
export interface UploadsView {
  readonly basePath: string;
  readonly publicUrl: string;
  readonly stagingPrefix: string;
  readonly expiresInSeconds: number;
  readonly viewExpiresInSeconds: number;
  readonly maxBodyBytes: number;
  readonly allowedOrigins: readonly string[];
  /** The origin that clients send to, for CSP. */
  readonly storageOrigin: string;
  /** All origins, where the storage has several host names. */
  readonly storageOrigins: readonly string[];
  readonly routes: readonly RouteInfo[];
}

/**
 * Creates the uploads of an app: its routes on a storage.
 *
 * @example
 * const uploads = createUploads({ storage: s3Storage({...}), secret, routes: { avatar: route({...}) } })
 * @throws {WaybillError} `config_invalid`, also where a route needs what the storage cannot do
 */
export function createUploads<Routes extends Record<string, AnyRoute>>(
  options: UploadsOptions<Routes>,
): Uploads<Routes> {
  const config = resolveConfig(options);
  const services = createServices(config);
  const { completion, viewUrl } = services;
  const handle = createHandler(services);

  function open(grant: string): OpenedGrant {
    const opened = services.grants.openGrant(grant);
    if (!opened) throw grantInvalid();
    return opened;
  }

  return {
    fetch: createFetch(handle),
    handle,
    owns: (path) => ownsPath(config.basePath, config, path),
    paths: listPaths(config),
    viewUrl,
    basePath: config.basePath,
    config: describeConfig(config),

    ...createFileCalls(config, services),

    complete: (grant, report) =>
      fromStorage(async () => describeResult(await (await completion()).complete(open(grant), report))),

    abort: (grant) => fromStorage(async () => (await completion()).abort(open(grant))),

    completeUpload: (uploadId) =>
      fromStorage(async () => {
        const record = await config.ledger?.find(uploadId);
        if (!record) throw uploadNotFound();
        return describeResult(await (await completion()).completeRecord(record));
      }),

    handleStorageEvent: (event) => fromStorage(async () => (await services.storageEvents()).handle(event)),

    ledger: config.ledger,
    async check(options) {
      const missing = missingSecrets(config);
      const { ok, findings } = await config.storage.check({ prefix: `${config.stagingPrefix}.waybill/`, ...options });
      return { ok: ok && missing.length === 0, findings: [...missing, ...findings] };
    },
    idle: services.idle,

    preload: async () => (await import('./preload.ts')).preloadServer(),

    deliverWebhooks: services.deliverWebhooks,

    sweep: (options) =>
      fromStorage(async () => {
        const sweep = () => services.sweep(options);
        return config.instrument ? config.instrument('waybill.sweep', {}, sweep) : sweep();
      }),

    usage: async (ownerId) => {
      if (!config.ledger) throw new WaybillError('config_invalid', '`usage()` needs a ledger.');
      return config.ledger.usage(ownerId);
    },

    completeObject: (stagedKey) =>
      fromStorage(async () => {
        const result = await (await completion()).completeObject(stagedKey);
        return result && describeResult(result);
      }),
  };
}

type FileCalls = FileService & Pick<Uploads, 'presignView' | 'deleteFile'>;

/** The calls for stored files. Their code loads with the first call. */
function createFileCalls(config: Config, { completion, files }: Services): FileCalls {
  return {
    presignView: (key, options) =>
      fromStorage(async () => {
        const { presignView } = await import('./views/views.ts');
        return presignView(config, key, options);
      }),

    deleteFile: (key, { uploadId, actor = null } = {}) =>
      fromStorage(async () => (await completion()).deleteFile({ key, uploadId }, { reason: 'server', actor }, null)),

    list: (options) => fromStorage(async () => (await files()).list(options)),
    head: (file, options) => fromStorage(async () => (await files()).head(file, options)),
    rename: (file, fileName, options) => fromStorage(async () => (await files()).rename(file, fileName, options)),
    copy: (file, options) => fromStorage(async () => (await files()).copy(file, options)),
    delete: (file, options) => fromStorage(async () => (await files()).delete(file, options)),
    audit: async (filter) => (await files()).audit(filter),
    forgetOwner: (ownerId, options) => fromStorage(async () => (await files()).forgetOwner(ownerId, options)),
    exportOwner: (ownerId, options) => fromStorage(async () => (await files()).exportOwner(ownerId, options)),
  };
}

/** Turns the errors of the storage into errors of the table. */
async function fromStorage<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toWaybillError(error);
  }
}

/** Secrets that are read at first use, and are not there or not valid. */
function missingSecrets({ secrets, viewSecrets, webhooks, events, upkeep }: Config): StorageFinding[] {
  return [...new Set([secrets, viewSecrets, webhooks?.secrets, events?.secrets, upkeep?.secrets])].flatMap((read) => {
    try {
      read?.();
      return [];
    } catch (error) {
      if (!isWaybillError(error)) throw error;
      const { code, message } = error;
      return [{ code, severity: 'error' as const, message, fix: 'Set the secret before the server starts.' }];
    }
  });
}

function describeConfig(config: ReturnType<typeof resolveConfig>): UploadsView {
  const { basePath, publicUrl, stagingPrefix, expiresInSeconds, viewExpiresInSeconds, maxBodyBytes } = config;
  return Object.freeze({
    basePath,
    publicUrl,
    stagingPrefix,
    expiresInSeconds,
    viewExpiresInSeconds,
    maxBodyBytes,
    allowedOrigins: [...config.allowedOrigins],
    storageOrigin: config.storage.publicOrigin,
    storageOrigins: [...config.storage.publicOrigins],
    routes: [...config.routes.values()].map((route) => route.info),
  });
}
