/** The address of a bucket: `bucket.endpoint` or `endpoint/bucket`, as seen from the server or from clients. */
import { WaybillError } from '../protocol/index.ts';
import { encodeKey } from './encode.ts';

export interface Address {
  /** `https://bucket.s3.eu-west-1.amazonaws.com` */
  readonly origin: string;
  /** The value of the `Host` header: lower case, without a default port. */
  readonly host: string;
  /** The path in front of the key: empty, or `/bucket`. */
  readonly prefix: string;
}

export interface AddressOptions {
  bucket: string;
  region: string;
  endpoint?: string | undefined;
  pathStyle?: boolean | undefined;
}

/** @throws WaybillError config_invalid */
export function resolveAddress({ bucket, region, endpoint, pathStyle }: AddressOptions): Address {
  const base = endpoint === undefined ? awsEndpoint(region) : parseEndpoint(endpoint);
  // The wildcard certificate of AWS does not match a bucket name with a dot.
  const usesPathStyle = pathStyle ?? (endpoint !== undefined || bucket.includes('.'));
  if (usesPathStyle) return { origin: base.origin, host: base.host, prefix: `/${bucket}` };
  if (/^[\d.]+(:\d+)?$/.test(base.host) || base.host.startsWith('['))
    throw new WaybillError(
      'config_invalid',
      'An IP address cannot have the bucket name in front of it: set `pathStyle: true`.',
    );
  if (bucket !== bucket.toLowerCase() || bucket.includes('_'))
    throw new WaybillError('config_invalid', 'This bucket name is not a valid host name: set `pathStyle: true`.');
  return { origin: `${base.protocol}//${bucket}.${base.host}`, host: `${bucket}.${base.host}`, prefix: '' };
}

export function objectPath(address: Address, key: string): string {
  return `${address.prefix}/${encodeKey(key)}`;
}

/** https://docs.aws.amazon.com/general/latest/gr/s3.html */
function awsEndpoint(region: string): URL {
  return new URL(`https://s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`);
}

function parseEndpoint(endpoint: string): URL {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : null;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:') || !url.host)
    throw new WaybillError('config_invalid', 'An endpoint must be a URL such as "http://minio:9000".');
  // The signature covers the path, so a proxy that removes a path prefix would break every signature.
  if (url.pathname !== '/' || url.search || url.hash || url.username || url.password)
    throw new WaybillError(
      'config_invalid',
      'An endpoint must not have a path, query, fragment or user: signatures cover them.',
    );
  return url;
}
