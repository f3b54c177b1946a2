import { loadOnce } from '../s3/internal.ts';
import { createChooseEffects } from './choose-effects.ts';
import type { CompletionService } from './completion/service.ts';
import type { Config } from './config.ts';
import { createEmit, type Emit } from './events.ts';
import type { FileService } from './files/index.ts';
import { createGrants, type Grants } from './grants/grants.ts';
import type { Multiparts } from './grants/multipart.ts';
import { createStorageProbe, type ProbeStorage } from './grants/storage-probe.ts';
import { createFailureLog } from './shared/failure-log.ts';
import { createRandomPool, type TakeRandom } from './shared/random-pool.ts';
import type { OpenReceipt } from './state/claims.ts';
import type { UploadStates } from './state/upload-states.ts';
import type { StorageEvents } from './storage-events/index.ts';
import type { SweepOptions, SweepReport } from './sweep/report.ts';
import { createViewRefs, type ViewRef, type ViewRefs } from './views/view-refs.ts';
import type { DeliverWebhooks, DeliveryContext } from './webhooks/deliver.ts';

/**
 * The parts that one `createUploads` puts together. Only the composition and `http/` know all of them; every other
 * function names the few that it needs. What only comes after a grant loads when it is first asked for.
 */
export interface Services {
  config: Config;
  /** Throws `config_invalid` without a secret, as `refs` does. */
  readonly grants: Grants;
  readonly refs: ViewRefs;
  openReceipt: OpenReceipt;
  random: TakeRandom;
  emit: Emit | undefined;
  probeStorage: ProbeStorage;
  /** The stable URL of a stored file. */
  viewUrl: (file: ViewRef) => string;
  multiparts: () => Promise<Multiparts>;
  completion: () => Promise<CompletionService>;
  files: () => Promise<FileService>;
  storageEvents: () => Promise<StorageEvents>;
  sweep: (options?: SweepOptions) => Promise<SweepReport>;
  /** Sends the webhooks that are due, once; undefined without webhooks. */
  deliverWebhooks: DeliverWebhooks | undefined;
  /** Resolves when no completion is under way in this process. */
  idle: () => Promise<void>;
}

export function createServices(config: Config): Services {
  const { now } = config;
  const random = createRandomPool({ fill: config.random, now });
  const emit = createEmit(config.onEvent ?? createFailureLog(now), now);
  const effects = createChooseEffects(config);
  // Made at first use, because only then the secrets must be there.
  let grants: Grants | undefined;
  let refs: ViewRefs | undefined;
  let loadedCompletion: CompletionService | undefined;

  const openReceipt: OpenReceipt = (receipt) => services.grants.openReceipt(receipt);

  const states = loadOnce<UploadStates>(async () => {
    const { createUploadStates } = await import('./state/create-upload-states.ts');
    return createUploadStates({ config, random, openReceipt, effects });
  });

  const services: Services = {
    config,
    get grants() {
      grants ??= createGrants({ secrets: config.secrets(), random, audience: config.deployment.audience });
      return grants;
    },
    get refs() {
      refs ??= createViewRefs(config.viewSecrets());
      return refs;
    },
    openReceipt,
    random,
    emit,
    probeStorage: createStorageProbe(config, emit),
    viewUrl: (file) => `${config.publicUrl}${config.basePath}/files/${services.refs.make(file)}`,
    multiparts: loadOnce(async () => {
      const { createMultiparts } = await import('./grants/multipart.ts');
      return createMultiparts(services, await states());
    }),
    completion: loadOnce(async () => {
      const { createCompletionService } = await import('./completion/service.ts');
      loadedCompletion = createCompletionService({
        config,
        states: await states(),
        effects,
        openReceipt,
        emit,
        viewUrl: services.viewUrl,
      });
      return loadedCompletion;
    }),
    files: loadOnce(async () => {
      const { createFileService } = await import('./files/index.ts');
      return createFileService(services, await services.completion());
    }),
    storageEvents: loadOnce(async () => {
      const { createStorageEvents } = await import('./storage-events/index.ts');
      return createStorageEvents(services, await services.completion());
    }),
    async sweep(options) {
      const { sweepUploads } = await import('./sweep/index.ts');
      const loaded = { states: await states(), completion: await services.completion() };
      return sweepUploads({ config, emit, openReceipt, effects, ...loaded }, options);
    },
    deliverWebhooks:
      config.webhooks && config.ledger
        ? createDeliverWebhooks({ ledger: config.ledger, webhooks: config.webhooks, now })
        : undefined,
    idle: async () => loadedCompletion?.idle(),
  };
  return services;
}

function createDeliverWebhooks(context: DeliveryContext): DeliverWebhooks {
  return async (options) => {
    const { deliverDueWebhooks } = await import('./webhooks/deliver.ts');
    return deliverDueWebhooks(context, options);
  };
}
