/**
 * `POST {basePath}/upkeep`: one pass of upkeep, for deployments without a process that lives long, started by a cron
 * service.
 */
import { WaybillError } from '../protocol/index.ts';
import { checkOptions, wholeNumberRule } from '../protocol/internal.ts';
import { createSecretCheck } from './shared/known-secret.ts';
import { resolveSecrets, type SecretOption, secretRule } from './shared/secrets.ts';
import type { SweepOptions, SweepReport } from './sweep/report.ts';
import type { DeliverWebhooks } from './webhooks/deliver.ts';

export interface UpkeepRequestOptions {
  /**
   * What the sender must know, as `Authorization: Bearer`: at least 32 characters, or a list of such. A function is
   * called at first use, and an empty string is refused then. @example () => process.env.CRON_SECRET ?? ''
   */
  secret: SecretOption;
  /** One request works for at most this long, in seconds; from 1 to 3,600. The next goes on. @default 20 @example 50 */
  timeoutSeconds?: number;
}

/** Upkeep requests, once their options are checked. */
export interface ResolvedUpkeep {
  /** @throws {WaybillError} `config_invalid` */
  secrets: () => readonly string[];
  timeoutSeconds: number;
}

/** @throws {WaybillError} `config_invalid` */
export function checkUpkeep(upkeep: UpkeepRequestOptions): ResolvedUpkeep {
  checkOptions('`upkeep`', upkeep, {
    secret: { ...secretRule, required: true },
    timeoutSeconds: wholeNumberRule(1, 3600),
  });
  return { secrets: resolveSecrets('upkeep.secret', upkeep.secret), timeoutSeconds: upkeep.timeoutSeconds ?? 20 };
}

export interface UpkeepResult {
  sweep: Omit<SweepReport, 'orphans'>;
  /** Webhooks by what came of them; null without webhooks. */
  webhooks: { delivered: number; failed: number; parked: number } | null;
}

/** @throws {WaybillError} `route_not_found` where the option is not set, `unauthenticated` without the secret */
export type ReceiveUpkeep = (authorization: string | undefined) => Promise<UpkeepResult>;

export interface UpkeepContext {
  config: { upkeep: ResolvedUpkeep | undefined };
  sweep: (options: SweepOptions) => Promise<SweepReport>;
  deliverWebhooks: DeliverWebhooks | undefined;
}

export function createReceiveUpkeep({ config, sweep, deliverWebhooks }: UpkeepContext): ReceiveUpkeep {
  const { upkeep } = config;
  const isSecret = createSecretCheck(() => upkeep?.secrets() ?? []);

  return async (authorization) => {
    if (!upkeep)
      throw new WaybillError(
        'route_not_found',
        'This server takes no upkeep requests: set `upkeep` of createUploads().',
      );
    const token = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined || !isSecret(token))
      throw new WaybillError('unauthenticated', 'Upkeep needs the secret of `upkeep.secret`.');
    const signal = AbortSignal.timeout(upkeep.timeoutSeconds * 1000);
    const { orphans: _, ...report } = await sweep({ signal });
    const deliveries = await deliverWebhooks?.({ signal });
    const count = (outcome: string) => deliveries?.filter((delivery) => delivery.outcome === outcome).length ?? 0;
    return {
      sweep: report,
      webhooks: deliveries ? { delivered: count('delivered'), failed: count('failed'), parked: count('parked') } : null,
    };
  };
}
