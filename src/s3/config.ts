/** Checks the options of s3Storage() once and fills in the defaults. */
import { WaybillError } from '../protocol/index.ts';
import { type Address, resolveAddress } from './address.ts';
import { capabilityPresets, resolveCapabilities } from './capabilities.ts';
import { type CredentialsCache, createCredentialsCache } from './credentials.ts';
import { createFetchExchange, type Exchange } from './exchange.ts';
import type { CapabilityPreset, S3StorageOptions, StorageCapabilities } from './types.ts';

export interface StorageConfig {
  readonly bucket: string;
  readonly region: string;
  /** Where this server sends. */
  readonly internal: Address;
  /** Where clients send. */
  readonly public: Address;
  /** Every address that clients may use; {@link public} is the first. */
  readonly publicAddresses: readonly Address[];
  readonly capabilities: StorageCapabilities;
  readonly credentials: CredentialsCache;
  readonly timeoutMs: number;
  readonly retries: number;
  /** Sends a request to {@link internal}. */
  readonly exchange: Exchange;
  readonly now: () => number;
  readonly random: () => number;
}

const knownOptions: Readonly<Record<keyof S3StorageOptions, true>> = {
  bucket: true,
  region: true,
  endpoint: true,
  publicEndpoint: true,
  pathStyle: true,
  credentials: true,
  capabilities: true,
  timeoutMs: true,
  retries: true,
  fetch: true,
  now: true,
  random: true,
};

/** @throws WaybillError config_invalid */
export function resolveConfig(options: S3StorageOptions): StorageConfig {
  for (const name of Object.keys(options))
    if (!Object.hasOwn(knownOptions, name)) throw invalidOption(`unknown option \`${name}\``);
  const { bucket, region = 'us-east-1', endpoint, publicEndpoint = endpoint, pathStyle } = options;
  const { timeoutMs = 10_000, retries = 3, now = Date.now, random = Math.random } = options;
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html, and names that older storages allow
  if (
    typeof bucket !== 'string' ||
    !/^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$/.test(bucket) ||
    bucket.includes('..')
  )
    throw invalidOption('`bucket` must be a bucket name of 3 to 63 letters, digits, dots and dashes');
  if (typeof region !== 'string' || !/^[A-Za-z0-9-]{1,64}$/.test(region))
    throw invalidOption('`region` must be a region such as "eu-west-1"');
  if (!Number.isFinite(timeoutMs) || timeoutMs <= 0) throw invalidOption('`timeoutMs` must be a positive number');
  if (!Number.isInteger(retries) || retries < 0 || retries > 20) throw invalidOption('`retries` must be 0 to 20');
  for (const name of ['fetch', 'now', 'random'] as const)
    if (options[name] !== undefined && typeof options[name] !== 'function')
      throw invalidOption(`\`${name}\` must be a function`);
  if (options.credentials === undefined || options.credentials === null)
    throw invalidOption('`credentials` are required: an object, `awsCredentials()`, or a function of your own');
  const names = typeof publicEndpoint === 'object' ? publicEndpoint : [publicEndpoint];
  if (!Array.isArray(names) || names.length === 0 || names.length > 8)
    throw invalidOption('`publicEndpoint` must be a URL, or 1 to 8 of them');
  const publicAddresses = names.map((name) =>
    Object.freeze(resolveAddress({ bucket, region, endpoint: name, pathStyle })),
  );
  if (new Set(publicAddresses.map(({ origin }) => origin)).size < publicAddresses.length)
    throw invalidOption('`publicEndpoint` names one origin twice');
  const internal = Object.freeze(resolveAddress({ bucket, region, endpoint, pathStyle }));
  return Object.freeze({
    bucket,
    region,
    internal,
    public: publicAddresses[0] as Address,
    publicAddresses: Object.freeze(publicAddresses),
    capabilities: resolveCapabilities(options.capabilities ?? defaultPreset(internal)),
    credentials: createCredentialsCache(options.credentials, now),
    timeoutMs,
    retries,
    exchange: options.fetch ? createFetchExchange(options.fetch) : createLazyNodeExchange(internal.origin),
    now,
    random,
  });
}

/** @throws WaybillError config_invalid when the endpoint is not one of AWS, because its capabilities are unknown */
function defaultPreset({ host }: Address): CapabilityPreset {
  if (/(^|\.)amazonaws\.com(\.cn)?(:\d+)?$/.test(host)) return 'aws';
  const presets = Object.keys(capabilityPresets).map((name) => `'${name}'`);
  throw invalidOption(
    `\`endpoint\` is not one of AWS, so set \`capabilities\` to ${presets.join(', ')}, ` +
      "or to an object of corrections to 'aws'. On the command line set WAYBILL_S3_PRESET",
  );
}

/** Loads node:https on the first request, because it would delay a cold start. */
function createLazyNodeExchange(origin: string): Exchange {
  let exchange: Exchange | undefined;
  return async (request) => {
    exchange ??= (await import('./node-exchange.ts')).createNodeExchange(origin);
    return exchange(request);
  };
}

function invalidOption(problem: string): WaybillError {
  return new WaybillError('config_invalid', `s3Storage: ${problem}.`);
}
