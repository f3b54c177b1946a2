/**
 * Guards the operator's page (attack G6 in docs/threat-model.md). A request needs a known Host, because of DNS
 * rebinding, and the token if there is one. A request that changes something must come from a page of the same origin.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import { isTrustedHost } from '../dev/guard.ts';

export interface GuardOptions {
  /** Host names to accept besides localhost and IP addresses. */
  hostNames: readonly string[];
  /** Undefined when only this machine can reach the page. */
  token: string | undefined;
}

const digest = (text: string) => createHash('sha256').update(text).digest();

export function adminGuard({ hostNames, token }: GuardOptions): MiddlewareHandler {
  const expected = token === undefined ? undefined : digest(token);
  return async (context, next) => {
    const { req } = context;
    if (!isTrustedHost(req.header('host'), hostNames))
      return context.text('This page accepts only its own address as Host.', 421);
    if (expected && !timingSafeEqual(digest(readToken(req.header('authorization'))), expected))
      return context.text('Sign in with any user name, and WAYBILL_ADMIN_TOKEN as the password.', 401, {
        'www-authenticate': 'Basic realm="waybill", charset="UTF-8"',
        'cache-control': 'no-store',
      });
    const changes = req.method !== 'GET' && req.method !== 'HEAD';
    if (
      changes &&
      !(isSameOrigin(req.header('origin'), req.header('host')) && isSameOriginFetch(req.header('sec-fetch-site')))
    )
      return context.text("This request was not sent by the operator's page.", 403);
    return next();
  };
}

/** Reads the token from Basic authorization (browsers) or Bearer authorization. */
function readToken(authorization = ''): string {
  const bearer = /^Bearer (.+)$/i.exec(authorization)?.[1];
  if (bearer !== undefined) return bearer;
  const basic = /^Basic (.+)$/i.exec(authorization)?.[1];
  if (basic === undefined) return '';
  return /^[^:]*:(.*)$/s.exec(Buffer.from(basic, 'base64').toString())?.[1] ?? '';
}

/**
 * Browsers send Origin with every POST. A client that sends none is not a browser and attaches no cookies of another
 * user.
 */
function isSameOrigin(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}

/** https://www.w3.org/TR/fetch-metadata/: `none` means that the user typed the address. */
function isSameOriginFetch(site: string | undefined): boolean {
  return site === undefined || site === 'same-origin' || site === 'none';
}
