/**
 * Who may come in (ATTACKS G6): a name that is known (no DNS rebinding), the token where there is one, and for whatever
 * changes something a page of this very origin.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import { isTrustedHost } from '../dev/guard.ts';

export interface GuardOptions {
  /** Names by which it may be called, besides its addresses and localhost. */
  hostNames: readonly string[];
  /** Undefined: whoever reaches it, which is this machine. */
  token: string | undefined;
}

const digest = (text: string) => createHash('sha256').update(text).digest();

export function adminGuard({ hostNames, token }: GuardOptions): MiddlewareHandler {
  const wanted = token === undefined ? undefined : digest(token);
  return async (context, next) => {
    const { req } = context;
    if (!isTrustedHost(req.header('host'), hostNames))
      return context.text('This page answers to its address only.', 421);
    if (wanted && !timingSafeEqual(digest(tokenOf(req.header('authorization'))), wanted))
      return context.text('The token, please: any name, and WAYBILL_ADMIN_TOKEN as the password.', 401, {
        'www-authenticate': 'Basic realm="waybill", charset="UTF-8"',
        'cache-control': 'no-store',
      });
    const changes = req.method !== 'GET' && req.method !== 'HEAD';
    if (changes && !(isOwnPage(req.header('origin'), req.header('host')) && isOwnSite(req.header('sec-fetch-site'))))
      return context.text('That did not come from this page.', 403);
    return next();
  };
}

/** As a browser sends it after asking for a name and a password, or as curl does. */
function tokenOf(authorization = ''): string {
  const bearer = /^Bearer (.+)$/i.exec(authorization)?.[1];
  if (bearer !== undefined) return bearer;
  const basic = /^Basic (.+)$/i.exec(authorization)?.[1];
  if (basic === undefined) return '';
  return /^[^:]*:(.*)$/s.exec(Buffer.from(basic, 'base64').toString())?.[1] ?? '';
}

/** Browsers say the origin with every POST; what says none is no browser, and has no one's password at hand. */
function isOwnPage(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}

/** https://www.w3.org/TR/fetch-metadata/: `none` is a person who typed the address. */
function isOwnSite(site: string | undefined): boolean {
  return site === undefined || site === 'same-origin' || site === 'none';
}
