/** Loads credentials, and refreshes them in the background so that signing never waits for them. */
import { isWaybillError, WaybillError } from '../protocol/index.ts';
import { redact } from './redact.ts';
import type { Credentials, CredentialsSource } from './types.ts';

/** A background refresh starts this long before the credentials expire. */
const refreshAheadSeconds = 300;
/** A background refresh that failed is tried again after this long. */
const retryAfterSeconds = 10;

export interface CredentialsCache {
  /** @throws WaybillError storage_unavailable when there are no valid credentials */
  current(): Credentials;
  /** Returns undefined when {@link current} will not throw, else a promise to wait for. */
  ready(): undefined | Promise<void>;
  /** Loads new credentials after the storage refused the current ones. Returns false for fixed credentials. */
  renew(): Promise<boolean>;
}

/** @param now returns milliseconds since the epoch */
export function createCredentialsCache(source: CredentialsSource, now: () => number): CredentialsCache {
  if (typeof source !== 'function') return createFixedCredentials(source, now);
  const provider = source;
  let current: Credentials | undefined;
  let pending: Promise<void> | undefined;
  let nextAttempt = 0;

  const secondsLeft = () => (current ? secondsUntilExpiration(current, now()) : 0);

  /** Concurrent callers share one call of the provider. */
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
          throw credentialsUnavailable(error);
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

/** Keeps credentials that are never loaded again. */
function createFixedCredentials(source: Credentials, now: () => number): CredentialsCache {
  let checked: Credentials | undefined;
  const read = () => {
    checked ??= checkCredentials(source);
    return checked;
  };
  // An object with getters, such as that of `envCredentials`, is read on first use. Any other is checked at once.
  if (!Object.getOwnPropertyDescriptor(source ?? {}, 'accessKeyId')?.get) read();
  return {
    current() {
      const credentials = read();
      if (secondsUntilExpiration(credentials, now()) >= 1) return credentials;
      throw new WaybillError('storage_unavailable', 'The storage credentials have expired.');
    },
    ready: () => undefined,
    renew: async () => false,
  };
}

/** Whole seconds until the credentials expire; Infinity when they do not. */
export function secondsUntilExpiration({ expiration }: Credentials, now: number): number {
  return expiration ? Math.floor((expiration.getTime() - now) / 1000) : Number.POSITIVE_INFINITY;
}

/** Returns a frozen copy: if the caller changed the secret, the cached signing key would be wrong. */
function checkCredentials(given: Credentials): Credentials {
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = given ?? {};
  const hasValidTexts = [accessKeyId, secretAccessKey, sessionToken ?? 'none'].every(
    (text) => typeof text === 'string' && /^[\x21-\x7e]+$/.test(text),
  );
  const hasValidExpiration =
    expiration === undefined || (expiration instanceof Date && !Number.isNaN(expiration.getTime()));
  if (!hasValidTexts || !hasValidExpiration)
    throw new WaybillError(
      'config_invalid',
      'Credentials need `accessKeyId` and `secretAccessKey`, without spaces. ' +
        '`sessionToken` and a Date as `expiration` are optional.',
    );
  return Object.freeze({ accessKeyId, secretAccessKey, sessionToken, expiration });
}

function credentialsUnavailable(error: unknown): WaybillError {
  if (isWaybillError(error)) return error;
  const reason = error instanceof Error ? redact(error.message) : 'unknown reason';
  return new WaybillError('storage_unavailable', `The storage credentials could not be loaded: ${reason}`);
}

/**
 * Credentials from the usual variables of AWS: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and
 * AWS_CREDENTIAL_EXPIRATION. They are read when the storage is first used, because a container image is built without
 * secrets and its build may run the code that calls this.
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

/**
 * Credentials from the default chain of AWS: environment, profiles, containers, instances. It needs the package
 * `@aws-sdk/credential-providers`.
 *
 * @example s3Storage({ bucket: 'user-content', region: 'eu-west-1', credentials: awsCredentials() })
 * @throws {WaybillError} `config_invalid` at first use when the package is not installed
 */
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
  // Bundlers must leave this import to Node: they would fail where the optional peer is not installed.
  const loaded = (await import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ peer).catch(
    (cause: unknown) => {
      throw new WaybillError('config_invalid', `awsCredentials() needs the package ${peer}: npm install ${peer}`, {
        cause,
      });
    },
  )) as { fromNodeProviderChain(): () => Promise<Credentials> };
  return loaded.fromNodeProviderChain();
}
