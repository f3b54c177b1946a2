/** Where a bucket is: `bucket.endpoint` or `endpoint/bucket`, as seen from the server or from clients. */
import { WaybillError } from '../protocol/index.ts';
import { encodeKey } from './encode.ts';

export interface Address {
  /** `https://bucket.s3.eu-west-1.amazonaws.com` */
  readonly origin: string;
  /** What the `Host` header will be: lower case, the default port left out. */
  readonly host: string;
  /** `` or `/bucket` */
  readonly prefix: string;
}

export interface AddressOptions {
  bucket: string;
  region: string;
  endpoint?: string | undefined;
  pathStyle?: boolean | undefined;
}

/** @throws WaybillError config_invalid */
export function addressOf({ bucket, region, endpoint, pathStyle }: AddressOptions): Address {
  const base = endpoint === undefined ? awsEndpoint(region) : parseEndpoint(endpoint);
  // A dot in the bucket's name is one label too many for the wildcard certificate of AWS.
  const byPath = pathStyle ?? (endpoint !== undefined || bucket.includes('.'));
  if (byPath) return { origin: base.origin, host: base.host, prefix: `/${bucket}` };
  if (/^[\d.]+(:\d+)?$/.test(base.host) || base.host.startsWith('['))
    throw new WaybillError('config_invalid', 'An IP address has no host names below it: set `pathStyle: true`.');
  if (bucket !== bucket.toLowerCase() || bucket.includes('_'))
    throw new WaybillError('config_invalid', 'This bucket name is no host name: set `pathStyle: true`.');
  return { origin: `${base.protocol}//${bucket}.${base.host}`, host: `${bucket}.${base.host}`, prefix: '' };
}

export function pathOf(address: Address, key: string): string {
  return `${address.prefix}/${encodeKey(key)}`;
}

/** https://docs.aws.amazon.com/general/latest/gr/s3.html */
function awsEndpoint(region: string): URL {
  return new URL(`https://s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`);
}

function parseEndpoint(endpoint: string): URL {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : null;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:') || !url.host)
    throw new WaybillError('config_invalid', 'An endpoint is a URL such as "http://minio:9000".');
  // The signature covers the path. What strips a prefix on the way would break every signature.
  if (url.pathname !== '/' || url.search || url.hash || url.username || url.password)
    throw new WaybillError(
      'config_invalid',
      'An endpoint has no path, query, fragment or user: signatures cover them.',
    );
  return url;
}
