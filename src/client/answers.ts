/** Functions about requests and answers that every transport and every client needs. */
import type { WaybillError, WireError } from '../protocol/index.ts';
import { failure } from './errors.ts';
import type { TransportRequest, TransportResponse } from './types.ts';

/**
 * Leaves out the headers that the platform sets: a form's type contains its boundary, and pages may not set a length.
 */
export function headersOf({ headers, fields }: TransportRequest): [string, string][] {
  return Object.entries(headers).filter(([name]) => !(fields ? /^content-/i : /^content-length$/i).test(name));
}

export function isTemporary(status: number): boolean {
  return /^(5|408|429)/.test(`${status}`);
}

/**
 * Parses `Retry-After` (RFC 9110 section 10.2.3): seconds, or an HTTP date. A date is compared with the `Date` header,
 * which comes from the same clock, where this page may read it. Returns at most ten minutes, and 0 when the header is
 * absent or has an invalid value.
 */
export function retryAfter(header: TransportResponse['header']): number {
  const value = header('retry-after') ?? '';
  const seconds = +value || (Date.parse(value) - (Date.parse(`${header('date')}`) || Date.now())) / 1000 || 0;
  return Math.min(600, Math.max(0, seconds));
}

/**
 * Creates the error for an answer of the app's server. An answer without an error code of Waybill comes from something
 * else: a proxy, a login page, a server that is being deployed. Such an answer says nothing about the upload, so the
 * call is repeated.
 */
export function errorOf({ status, header }: TransportResponse, url: string, error?: WireError | null): WaybillError {
  const { code, message, ...facts }: Partial<WireError> = error ?? {};
  return failure(
    code || (status === 401 ? 'unauthenticated' : 'network_error'),
    message ||
      (status === 401 ? 'Please sign in.' : 'Something else than the upload server answered. Please try again.'),
    {
      ...(code ? facts : { details: { hint: `HTTP ${status} ${header('content-type')} from ${url}: a proxy?` } }),
      status,
      retryAfterSeconds: retryAfter(header),
    },
  );
}

/** Removes slashes at the end and doubled slashes, because proxies and frameworks redirect such URLs. */
export function normalizeEndpoint(endpoint: string): string {
  return endpoint.replace(/([^:/])\/+/g, '$1/').replace(/\/+$/, '');
}

/** Empty for a URL that is relative to the page. */
export function originOf(url: string): string {
  return /^\w+:\/\/[^/]+/.exec(url)?.[0] ?? '';
}
