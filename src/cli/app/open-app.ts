/** Creates uploads, storage and ledger for a command from the configuration and the environment. */

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
  /** Wraps the storage, for metrics. */
  wrapStorage?: (storage: Storage) => Storage;
  /** Wraps the ledger, for metrics. */
  wrapLedger?: (ledger: Ledger) => Ledger;
}

/** @throws CliError when the configuration or the environment is wrong */
export async function openApp(
  { config, onEvent, wrapStorage, wrapLedger }: OpenAppOptions,
  terminal: Terminal,
): Promise<App> {
  const variables = readVariables(terminal);
  const { routes, options } = await readConfig(config, terminal.cwd, variables);
  const secret = variables.required('WAYBILL_SECRET').split(/\s+/);
  const bareStorage = openStorage(variables);
  const storage = wrapStorage ? wrapStorage(bareStorage) : bareStorage;
  const opened = await openLedgerFrom(variables);
  const ledger = opened && wrapLedger ? wrapLedger(opened) : opened;
  try {
    const onAppEvent = options.onEvent;
    const uploads = createUploads({
      ...readOptions(variables),
      ...options,
      storage,
      secret,
      routes,
      ...(ledger ? { ledger } : {}),
      onEvent: (event) => {
        onEvent?.(event);
        onAppEvent?.(event);
      },
    });
    return { uploads, storage, ledger, variables, close: async () => ledger?.close() };
  } catch (error) {
    await ledger?.close();
    if (isWaybillError(error)) throw new CliError(error.message);
    throw error;
  }
}

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
    // The copy reads every credential now, so that a missing one is reported at the start.
    const credentials = env.AWS_ACCESS_KEY_ID ? { ...envCredentials(env) } : awsCredentials();
    return s3Storage({ ...settings, bucket: variables.required('WAYBILL_S3_BUCKET'), credentials });
  } catch (error) {
    if (isWaybillError(error))
      throw environmentError(error.message, 'WAYBILL_S3_* and AWS_* configure the storage, see: waybill serve --help');
    throw error;
  }
}

/** Reads the address of the ledger, by default a file in the current folder. Null for `none`. */
export function readLedgerUrl(variables: Variables): string | null {
  const url = variables.get('WAYBILL_LEDGER') ?? 'sqlite:waybill.db';
  return url === 'none' ? null : url;
}

async function openLedgerFrom(variables: Variables): Promise<Ledger | undefined> {
  const url = readLedgerUrl(variables);
  if (url === null) return undefined;
  try {
    return await openLedger(url);
  } catch (error) {
    throw toLedgerError(error);
  }
}

export function toLedgerError(error: unknown): Error {
  if (isWaybillError(error)) return environmentError(error.message);
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return environmentError(
    `The ledger cannot be opened${code ? `: ${code}` : ''}.`,
    'WAYBILL_LEDGER names the database.',
  );
}

function readOptions(variables: Variables): Partial<UploadsOptions> {
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
