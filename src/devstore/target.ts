/** Finds the bucket and key of a request: path style, or with the bucket before one of the store's host names. */
import { decodeUri } from './keys.ts';

export interface Target {
  bucket: string | undefined;
  /** Byte string. Undefined when the request is for the bucket or the service. */
  key: string | undefined;
}

/** Host names for virtual-host requests, such as `photos.localhost:9000`. */
export const defaultHosts: readonly string[] = ['localhost', 's3.localhost', 's3.amazonaws.com'];

/** @throws StoreError InvalidURI */
export function resolveTarget(rawPath: string, host: string | undefined, hosts: readonly string[]): Target {
  const path = rawPath.replace(/^https?:\/\/[^/]*/i, '');
  const virtual = bucketFromHost(host, hosts);
  if (virtual !== undefined) return { bucket: virtual, key: decodeKey(path.slice(1)) };
  const slash = path.indexOf('/', 1);
  const bucket = decodeUri(slash < 0 ? path.slice(1) : path.slice(1, slash));
  return { bucket: bucket || undefined, key: slash < 0 ? undefined : decodeKey(path.slice(slash + 1)) };
}

function decodeKey(escaped: string): string | undefined {
  return escaped === '' ? undefined : decodeUri(escaped);
}

function bucketFromHost(host: string | undefined, hosts: readonly string[]): string | undefined {
  const name = host?.replace(/:\d+$/, '').toLowerCase();
  if (!name || hosts.includes(name)) return undefined;
  // The longest host is tried first: in `photos.s3.localhost` the bucket is `photos`, not `photos.s3`.
  const suffix = [...hosts].sort((a, b) => b.length - a.length).find((candidate) => name.endsWith(`.${candidate}`));
  return suffix === undefined ? undefined : name.slice(0, -suffix.length - 1);
}

/** Decodes a query. The first value of a repeated name counts. @throws StoreError InvalidURI */
export function readQuery(rawQuery: string): Map<string, string> {
  const query = new Map<string, string>();
  for (const pair of rawQuery.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const [name, value] = equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
    const decoded = decodeUri(name.replaceAll('+', ' '));
    if (!query.has(decoded)) query.set(decoded, decodeUri(value.replaceAll('+', ' ')));
  }
  return query;
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
export function isBucketName(name: string): boolean {
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name)) return false;
  if (/\.\.|\.-|-\./.test(name) || /^\d+\.\d+\.\d+\.\d+$/.test(name)) return false;
  if (/^(xn--|sthree-|amzn-s3-demo-)/.test(name)) return false;
  return !/(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$/.test(name);
}
