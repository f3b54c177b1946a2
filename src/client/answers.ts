/** Small facts about requests and answers that every way of sending needs. */
import type { WaybillError, WireError } from '../protocol/index.ts';
import { failure } from './errors.ts';
import type { TransportRequest, TransportResponse } from './types.ts';

/** Without those that the platform sets: a form's type carries its boundary, and pages may not set a length. */
export function headersOf({ headers, fields }: TransportRequest): [string, string][] {
  return Object.entries(headers).filter(([name]) => !(fields ? /^content-/i : /^content-length$/i).test(name));
}

export function isTemporary(status: number): boolean {
  return /^(5|408|429)/.test(`${status}`);
}

/**
 * RFC 9110 section 10.2.3: seconds, or an HTTP date. A date is compared with the clock that wrote it, the `Date` header,
 * where this page may read it. 0 without the header and for what cannot be read; at most ten minutes.
 */
export function retryAfter(header: TransportResponse['header']): number {
  const value = header('retry-after') ?? '';
  const seconds = +value || (Date.parse(value) - (Date.parse(`${header('date')}`) || Date.now())) / 1000 || 0;
  return Math.min(600, Math.max(0, seconds));
}

/**
 * The error for an answer to a call to the app's server. Without a code of ours something else has answered: a proxy,
 * a login page, a server that is being deployed. Such an answer says nothing about the upload, so the call is made again.
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

/** Without the slashes that a proxy or a framework would redirect: at its end, and two in a row. */
export function normalizeEndpoint(endpoint: string): string {
  return endpoint.replace(/([^:/])\/+/g, '$1/').replace(/\/+$/, '');
}

/** Of an absolute endpoint; empty for one that is relative to the page. */
export function originOf(url: string): string {
  return /^\w+:\/\/[^/]+/.exec(url)?.[0] ?? '';
}
