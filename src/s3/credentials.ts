/** Where credentials come from, and how they stay fresh without the signing path ever waiting. */
import { isWaybillError, WaybillError } from '../protocol/index.ts';
import { redact } from './redact.ts';
import type { Credentials, CredentialsSource } from './types.ts';

/** New ones are fetched in the background this long before the old ones expire. */
const refreshAheadSeconds = 300;
/** A background refresh that failed is tried again after this long. */
const retryAfterSeconds = 10;

export interface CredentialsCache {
  /** @throws WaybillError storage_unavailable when there are none that are valid */
  current(): Credentials;
  /** Undefined when {@link current} will not throw. */
  ready(): undefined | Promise<void>;
  /** The storage refused these: ask for others, at once. False when there are no others to ask for. */
  renew(): Promise<boolean>;
}

/** `now` in milliseconds since the epoch. */
export function createCredentialsCache(source: CredentialsSource, now: () => number): CredentialsCache {
  if (typeof source !== 'function') return fixedCredentials(source, now);
  const provider = source;
  let current: Credentials | undefined;
  let pending: Promise<void> | undefined;
  let nextAttempt = 0;

  const secondsLeft = () => (current ? secondsUntil(current, now()) : 0);

  /** Single flight: everyone who waits, waits for the same answer. */
  function load(): Promise<void> {
    pending ??= Promise.resolve()
      .then(provider)
      .then(checkCredentials)
      .then(
        (credentials) => {
          current = credentials;
        },
        (error: unknown) => {
          nextAttempt = now() + retryAfterSeconds * 1000;
          throw unavailable(error);
        },
      )
      .finally(() => {
        pending = undefined;
      });
    return pending;
  }

  return {
    current() {
      if (current && secondsLeft() >= 1) return current;
      throw new WaybillError(
        'storage_unavailable',
        'There are no valid storage credentials: wait for `ready()` first.',
      );
    },
    ready() {
      const left = secondsLeft();
      if (left < 1) return load();
      if (left < refreshAheadSeconds && now() >= nextAttempt) load().catch(() => {});
      return undefined;
    },
    async renew() {
      await load();
      return true;
    },
  };
}

function fixedCredentials(source: Credentials, now: () => number): CredentialsCache {
  let checked: Credentials | undefined;
  const read = () => {
    checked ??= checkCredentials(source);
    return checked;
  };
  // An object with getters, such as that of `envCredentials`, is read at first use; any other is checked at once.
  if (!Object.getOwnPropertyDescriptor(source ?? {}, 'accessKeyId')?.get) read();
  return {
    current() {
      const credentials = read();
      if (secondsUntil(credentials, now()) >= 1) return credentials;
      throw new WaybillError('storage_unavailable', 'The storage credentials have expired.');
    },
    ready: () => undefined,
    renew: async () => false,
  };
}

/** Whole seconds until they expire; Infinity for long-lived ones. */
export function secondsUntil({ expiration }: Credentials, now: number): number {
  return expiration ? Math.floor((expiration.getTime() - now) / 1000) : Number.POSITIVE_INFINITY;
}

/** A frozen copy, or else the owner of the object could change a secret under its cached key. */
function checkCredentials(given: Credentials): Credentials {
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = given ?? {};
  const filled = [accessKeyId, secretAccessKey, sessionToken ?? 'none'].every(
    (text) => typeof text === 'string' && /^[\x21-\x7e]+$/.test(text),
  );
  const dated = expiration === undefined || (expiration instanceof Date && !Number.isNaN(expiration.getTime()));
  if (!filled || !dated)
    throw new WaybillError(
      'config_invalid',
      'Credentials need `accessKeyId` and `secretAccessKey`, without spaces; `sessionToken` and a Date as `expiration` are optional.',
    );
  return Object.freeze({ accessKeyId, secretAccessKey, sessionToken, expiration });
}

function unavailable(error: unknown): WaybillError {
  if (isWaybillError(error)) return error;
  const reason = error instanceof Error ? redact(error.message) : 'unknown reason';
  return new WaybillError('storage_unavailable', `The storage credentials could not be loaded: ${reason}`);
}

/**
 * AWS's usual variables, from a given environment. They are read when the storage is first used, not here: a container image is
 * built without secrets, and its build may import the module that calls this.
 *
 * @example s3Storage({ bucket, credentials: envCredentials(process.env) })
 * @throws {WaybillError} `config_invalid` at first use, naming the variables that are missing
 */
export function envCredentials(env: Readonly<Record<string, string | undefined>>): Credentials {
  const read = (name: 'AWS_ACCESS_KEY_ID' | 'AWS_SECRET_ACCESS_KEY'): string => {
    const value = env[name];
    if (value) return value;
    const missing = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'].filter((each) => !env[each]);
    throw new WaybillError('config_invalid', `Set ${missing.join(' and ')}.`);
  };
  return {
    get accessKeyId() {
      return read('AWS_ACCESS_KEY_ID');
    },
    get secretAccessKey() {
      return read('AWS_SECRET_ACCESS_KEY');
    },
    get sessionToken() {
      return env.AWS_SESSION_TOKEN || undefined;
    },
    get expiration() {
      const expiration = env.AWS_CREDENTIAL_EXPIRATION;
      return expiration ? new Date(expiration) : undefined;
    },
  };
}

/** AWS's default chain (environment, profiles, containers, instances) from the optional peer that implements it. */
export function awsCredentials(): () => Promise<Credentials> {
  let provider: Promise<() => Promise<Credentials>> | undefined;
  return async () => {
    provider ??= loadDefaultChain().catch((error: unknown) => {
      provider = undefined;
      throw error;
    });
    return (await provider)();
  };
}

async function loadDefaultChain(): Promise<() => Promise<Credentials>> {
  const peer = '@aws-sdk/credential-providers';
  // Bundlers leave this to Node: the peer is optional, and they would fail where it is not installed.
  const loaded = (await import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ peer).catch(
    (cause: unknown) => {
      throw new WaybillError('config_invalid', `awsCredentials() needs the package ${peer}: npm install ${peer}`, {
        cause,
      });
    },
  )) as { fromNodeProviderChain(): () => Promise<Credentials> };
  return loaded.fromNodeProviderChain();
}
