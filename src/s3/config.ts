/** Options, resolved once: every default filled in, nothing unknown, nothing left to check later. */
import { WaybillError } from '../protocol/index.ts';
import { type Address, addressOf } from './address.ts';
import { capabilityPresets, resolveCapabilities } from './capabilities.ts';
import { type CredentialsCache, createCredentialsCache } from './credentials.ts';
import { type Exchange, fetchExchange } from './exchange.ts';
import type { CapabilityPreset, S3StorageOptions, StorageCapabilities } from './types.ts';

export interface StorageConfig {
  readonly bucket: string;
  readonly region: string;
  /** Where this server sends. */
  readonly internal: Address;
  /** Where clients send. */
  readonly public: Address;
  /** Each name that clients may use, the usual one first. */
  readonly publics: readonly Address[];
  readonly capabilities: StorageCapabilities;
  readonly credentials: CredentialsCache;
  readonly timeoutMs: number;
  readonly retries: number;
  /** How requests get to {@link internal}. */
  readonly exchange: Exchange;
  readonly now: () => number;
  readonly random: () => number;
}

const known: Readonly<Record<keyof S3StorageOptions, true>> = {
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
  for (const name of Object.keys(options)) if (!Object.hasOwn(known, name)) throw invalid(`unknown option \`${name}\``);
  const { bucket, region = 'us-east-1', endpoint, publicEndpoint = endpoint, pathStyle } = options;
  const { timeoutMs = 10_000, retries = 3, now = Date.now, random = Math.random } = options;
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html, and what older and other storages allow
  if (
    typeof bucket !== 'string' ||
    !/^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$/.test(bucket) ||
    bucket.includes('..')
  )
    throw invalid('`bucket` must be a bucket name of 3 to 63 letters, digits, dots and dashes');
  if (typeof region !== 'string' || !/^[A-Za-z0-9-]{1,64}$/.test(region))
    throw invalid('`region` must be a region such as "eu-west-1"');
  if (!Number.isFinite(timeoutMs) || timeoutMs <= 0) throw invalid('`timeoutMs` must be a positive number');
  if (!Number.isInteger(retries) || retries < 0 || retries > 20) throw invalid('`retries` must be 0 to 20');
  for (const name of ['fetch', 'now', 'random'] as const)
    if (options[name] !== undefined && typeof options[name] !== 'function')
      throw invalid(`\`${name}\` must be a function`);
  if (options.credentials === undefined || options.credentials === null)
    throw invalid('`credentials` are required: an object, `awsCredentials()`, or a function of your own');
  const names = typeof publicEndpoint === 'object' ? publicEndpoint : [publicEndpoint];
  if (!Array.isArray(names) || names.length === 0 || names.length > 8)
    throw invalid('`publicEndpoint` must be a URL, or 1 to 8 of them');
  const publics = names.map((name) => Object.freeze(addressOf({ bucket, region, endpoint: name, pathStyle })));
  if (new Set(publics.map(({ origin }) => origin)).size < publics.length)
    throw invalid('`publicEndpoint` names one origin twice');
  const internal = Object.freeze(addressOf({ bucket, region, endpoint, pathStyle }));
  return Object.freeze({
    bucket,
    region,
    internal,
    public: publics[0] as Address,
    publics: Object.freeze(publics),
    capabilities: resolveCapabilities(options.capabilities ?? presetOf(internal)),
    credentials: createCredentialsCache(options.credentials, now),
    timeoutMs,
    retries,
    exchange: options.fetch ? fetchExchange(options.fetch) : keptConnections(internal.origin),
    now,
    random,
  });
}

/** @throws WaybillError config_invalid where the storage is not AWS's, and nobody said what it can */
function presetOf({ host }: Address): CapabilityPreset {
  if (/(^|\.)amazonaws\.com(\.cn)?(:\d+)?$/.test(host)) return 'aws';
  const presets = Object.keys(capabilityPresets).map((name) => `'${name}'`);
  throw invalid(
    `\`endpoint\` is not AWS's, so say what the storage can: \`capabilities\` is ${presets.join(', ')}, or an object of corrections to 'aws'. The preset of the command line is WAYBILL_S3_PRESET`,
  );
}

/** Loaded with the first call: a cold start grants without node:https. */
function keptConnections(origin: string): Exchange {
  let exchange: Exchange | undefined;
  return async (request) => {
    exchange ??= (await import('./node-exchange.ts')).createNodeExchange(origin);
    return exchange(request);
  };
}

function invalid(problem: string): WaybillError {
  return new WaybillError('config_invalid', `s3Storage: ${problem}.`);
}
