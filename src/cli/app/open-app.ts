/** Everything a production command works with, put together from the configuration and the environment. */

import { openLedger } from '../../ledger/index.ts';
import { isWaybillError } from '../../protocol/index.ts';
import {
  awsCredentials,
  type CapabilityPreset,
  envCredentials,
  type S3StorageOptions,
  type Storage,
  s3Storage,
} from '../../s3/index.ts';
import {
  createUploads,
  type Ledger,
  type Uploads,
  type UploadsEvent,
  type UploadsOptions,
} from '../../server/index.ts';
import { CliError, environmentError } from '../cli-error.ts';
import type { Terminal } from '../terminal.ts';
import { readConfig } from './config-file.ts';
import { readVariables, type Variables } from './variables.ts';

export interface App {
  uploads: Uploads;
  storage: Storage;
  ledger: Ledger | undefined;
  variables: Variables;
  close(): Promise<void>;
}

export interface OpenAppOptions {
  /** Path of the configuration. */
  config: string;
  onEvent?: (event: UploadsEvent) => void;
  /** Around the storage, for measuring. */
  around?: (storage: Storage) => Storage;
  /** Around the ledger, for measuring. */
  aroundLedger?: (ledger: Ledger) => Ledger;
}

/** @throws CliError for whatever somebody has to mend */
export async function openApp(
  { config, onEvent, around, aroundLedger }: OpenAppOptions,
  terminal: Terminal,
): Promise<App> {
  const variables = readVariables(terminal);
  const { routes, options } = await readConfig(config, terminal.cwd, variables);
  const secret = variables.required('WAYBILL_SECRET').split(/\s+/);
  const storage = (around ?? same)(openStorage(variables));
  const opened = await openLedgerOf(variables);
  const ledger = opened && aroundLedger ? aroundLedger(opened) : opened;
  try {
    const own = options.onEvent;
    const uploads = createUploads({
      ...fromVariables(variables),
      ...options,
      storage,
      secret,
      routes,
      ...(ledger ? { ledger } : {}),
      onEvent: (event) => {
        onEvent?.(event);
        own?.(event);
      },
    });
    return { uploads, storage, ledger, variables, close: async () => ledger?.close() };
  } catch (error) {
    await ledger?.close();
    if (isWaybillError(error)) throw new CliError(error.message);
    throw error;
  }
}

const same = <T>(value: T): T => value;

function openStorage(variables: Variables): Storage {
  const settings: Partial<S3StorageOptions> = {};
  const region = variables.get('WAYBILL_S3_REGION') ?? variables.raw('AWS_REGION');
  const endpoint = variables.get('WAYBILL_S3_ENDPOINT');
  const publicEndpoint = variables.list('WAYBILL_S3_PUBLIC_ENDPOINT');
  const preset = variables.get('WAYBILL_S3_PRESET');
  if (region) settings.region = region;
  if (endpoint) settings.endpoint = endpoint;
  if (publicEndpoint.length > 0) settings.publicEndpoint = publicEndpoint;
  if (preset) settings.capabilities = preset as CapabilityPreset;
  const keys = [
    'AWS_ACCESS_KEY_ID',
    'AWS_SECRET_ACCESS_KEY',
    'AWS_SESSION_TOKEN',
    'AWS_CREDENTIAL_EXPIRATION',
  ] as const;
  const env = Object.fromEntries(keys.map((name) => [name, variables.raw(name)]));
  try {
    // Copied, and so read at once: a server says what is missing when it starts.
    const credentials = env.AWS_ACCESS_KEY_ID ? { ...envCredentials(env) } : awsCredentials();
    return s3Storage({ ...settings, bucket: variables.required('WAYBILL_S3_BUCKET'), credentials });
  } catch (error) {
    if (isWaybillError(error))
      throw environmentError(error.message, 'WAYBILL_S3_* and AWS_* say where the storage is: waybill serve --help');
    throw error;
  }
}

/** Where it is by default: beside whatever runs. */
export function ledgerUrl(variables: Variables): string | null {
  const url = variables.get('WAYBILL_LEDGER') ?? 'sqlite:waybill.db';
  return url === 'none' ? null : url;
}

async function openLedgerOf(variables: Variables): Promise<Ledger | undefined> {
  const url = ledgerUrl(variables);
  if (url === null) return undefined;
  try {
    return await openLedger(url);
  } catch (error) {
    throw ledgerProblem(error);
  }
}

export function ledgerProblem(error: unknown): Error {
  if (isWaybillError(error)) return environmentError(error.message);
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return environmentError(`The ledger cannot be opened${code ? `: ${code}` : ''}.`, 'WAYBILL_LEDGER says where it is.');
}

function fromVariables(variables: Variables): Partial<UploadsOptions> {
  const options: Partial<UploadsOptions> = {};
  const viewSecret = variables.list('WAYBILL_VIEW_SECRET');
  const publicUrl = variables.get('WAYBILL_PUBLIC_URL');
  const allowedOrigins = variables.list('WAYBILL_ALLOWED_ORIGINS');
  const eventsSecret = variables.list('WAYBILL_EVENTS_SECRET');
  const webhookUrl = variables.get('WAYBILL_WEBHOOK_URL');
  if (viewSecret.length > 0) options.viewSecret = viewSecret;
  if (publicUrl) options.publicUrl = publicUrl;
  if (allowedOrigins.length > 0) options.allowedOrigins = allowedOrigins;
  if (eventsSecret.length > 0) options.events = { secret: eventsSecret };
  if (webhookUrl) options.webhooks = { url: webhookUrl, secret: variables.list('WAYBILL_WEBHOOK_SECRET') };
  return options;
}
