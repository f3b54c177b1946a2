/** Checks the options of s3Storage() once and fills in the defaults. */
import { WaybillError } from '../protocol/index.ts';
import {
  booleanRule,
  checkOptions,
  functionRule,
  isListOf,
  isMatchingText,
  isObject,
  type OptionRule,
  type OptionTable,
  wholeNumberRule,
} from '../protocol/internal.ts';
import { type Address, resolveAddress } from './address.ts';
import { capabilityPresets, resolveCapabilities } from './capabilities.ts';
import { type CredentialsCache, createCredentialsCache } from './credentials.ts';
import { createFetchExchange, type Exchange } from './exchange.ts';
import type { CapabilityPreset, S3StorageOptions, StorageCapabilities } from './types.ts';

export interface StorageConfig {
  readonly bucket: string;
  readonly region: string;
  /** The address that this server sends its own requests to. */
  readonly internal: Address;
  /** The address that clients send to by default. */
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

const maxPublicEndpoints = 8;
const endpointRule: OptionRule = {
  expected: 'a URL such as "http://minio:9000"',
  isValid: (value) => typeof value === 'string',
};

const storageOptions: OptionTable<S3StorageOptions> = {
  bucket: {
    expected: 'a bucket name of 3 to 63 letters, digits, dots and dashes',
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html, and names that older storages allow
    isValid: isMatchingText(/^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$/),
    required: true,
  },
  region: { expected: 'a region such as "eu-west-1"', isValid: isMatchingText(/^[A-Za-z0-9-]{1,64}$/) },
  endpoint: endpointRule,
  publicEndpoint: {
    expected: `a URL, or 1 to ${maxPublicEndpoints} of them`,
    isValid: (value) =>
      endpointRule.isValid(value) ||
      (isListOf(endpointRule.isValid)(value) && (value as unknown[]).length <= maxPublicEndpoints),
  },
  pathStyle: booleanRule,
  credentials: {
    expected: 'an object, `awsCredentials()`, or a function of your own',
    isValid: (value) => isObject(value) || typeof value === 'function',
    required: true,
  },
  capabilities: {
    expected: 'the name of a preset, or an object of corrections to the preset "aws"',
    isValid: (value) => isObject(value) || typeof value === 'string',
  },
  timeoutMs: { expected: 'a positive number', isValid: (value) => Number.isFinite(value) && (value as number) > 0 },
  retries: wholeNumberRule(0, 20),
  fetch: functionRule,
  now: functionRule,
  random: functionRule,
};

/** @throws WaybillError config_invalid */
export function resolveConfig(options: S3StorageOptions): StorageConfig {
  checkOptions('s3Storage()', options, storageOptions);
  const { bucket, region = 'us-east-1', endpoint, publicEndpoint = endpoint, pathStyle } = options;
  const { timeoutMs = 10_000, retries = 3, now = Date.now, random = Math.random } = options;
  const publicEndpoints = typeof publicEndpoint === 'object' ? publicEndpoint : [publicEndpoint];
  const publicAddresses = publicEndpoints.map((clientEndpoint) =>
    Object.freeze(resolveAddress({ bucket, region, endpoint: clientEndpoint, pathStyle })),
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
    capabilities: resolveCapabilities(options.capabilities ?? chooseDefaultPreset(internal)),
    credentials: createCredentialsCache(options.credentials, now),
    timeoutMs,
    retries,
    exchange: options.fetch ? createFetchExchange(options.fetch) : createLazyNodeExchange(internal.origin),
    now,
    random,
  });
}

/** @throws WaybillError config_invalid when the endpoint is not one of AWS, because its capabilities are unknown */
function chooseDefaultPreset({ host }: Address): CapabilityPreset {
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
