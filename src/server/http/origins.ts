/**
 * Decides which pages may call (attack G2). A JSON body forces browsers to send a preflight first. Requests with
 * cookies need an allowed origin as well.
 */
import { WaybillError } from '../../protocol/index.ts';
import type { Config } from '../config.ts';
import type { PlainRequest } from './plain-request.ts';

/** Whether the request says that its page has the origin of this server. */
function isOwnOrigin(config: Config, request: PlainRequest, origin: string): boolean {
  // Scripts cannot set this header. https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header
  if (request.header('sec-fetch-site') === 'same-origin') return true;
  if (origin === config.publicOrigin) return true;
  const host = request.header('host');
  return host !== undefined && (origin === `https://${host}` || origin === `http://${host}`);
}

/** @throws {WaybillError} `forbidden` when a page of another origin sent cookies */
export function requireAllowedOrigin(config: Config, request: PlainRequest): void {
  if (request.header('cookie') === undefined) return;
  const origin = request.header('origin');
  // Browsers send Origin with every POST and DELETE. Without both headers the caller is not a page.
  if (origin === undefined && request.header('sec-fetch-site') !== 'cross-site') return;
  if (origin !== undefined && (config.allowedOrigins.has(origin) || isOwnOrigin(config, request, origin))) return;
  throw originNotAllowed(config, request, origin);
}

/**
 * The message names the origins and the option to set: behind a proxy that rewrites Host, the app's own page looks
 * foreign.
 */
function originNotAllowed({ publicOrigin }: Config, request: PlainRequest, origin = 'unknown'): WaybillError {
  const page = origin.slice(0, 200);
  const host = request.header('host')?.slice(0, 200);
  const server = publicOrigin ?? host ?? 'an unknown host';
  const forwarded = request.header('x-forwarded-host');
  const behindProxy = forwarded !== undefined && page.endsWith(`://${forwarded}`);
  const proxied = `set \`publicUrl: '${page}'\` of createUploads(), or let the proxy pass the Host header on`;
  const other = `add '${page}' to \`allowedOrigins\` of createUploads()`;
  return new WaybillError(
    'forbidden',
    `This page (${page}) may not upload to this server (${server}). If both are one app behind a proxy, set \`publicUrl\` on the server.`,
    {
      details: {
        origin: page,
        ...(host === undefined ? {} : { host }),
        hint: behindProxy
          ? `A proxy rewrites Host: it sent ${host}, and X-Forwarded-Host is ${page.slice(page.indexOf('://') + 3)}. To correct that, ${proxied}.`
          : `Cookies were sent from ${page}, and the server was called as ${server}. If that page is yours, ${other}; behind a proxy that rewrites Host, ${proxied}.`,
      },
    },
  );
}

/** Null for requests of the same origin and of origins that are not allowed. */
export function corsHeaders(config: Config, request: PlainRequest): Record<string, string> | null {
  if (config.allowedOrigins.size === 0) return null;
  const origin = request.header('origin');
  if (origin === undefined) return null;
  if (config.allowedOrigins.has(origin))
    return {
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': 'retry-after',
    };
  if (!config.allowedOrigins.has('*')) return null;
  return { 'access-control-allow-origin': '*', 'access-control-expose-headers': 'retry-after' };
}

export function preflightHeaders(request: PlainRequest, allow: string): Record<string, string> {
  const asked = request.header('access-control-request-headers') ?? '';
  return {
    'access-control-allow-methods': allow,
    // The origin is trusted, so all headers that the app needs are allowed, such as tokens.
    'access-control-allow-headers': /^[a-z0-9!#$%&'*+.^_`|~, -]{1,1000}$/i.test(asked) ? asked : 'content-type',
    'access-control-max-age': '7200',
  };
}
