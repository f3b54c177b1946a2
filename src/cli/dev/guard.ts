/**
 * Protects against DNS rebinding: a foreign page whose name was rebound to this machine sends that name as Host.
 * Therefore names must be known. IP addresses are accepted, because they cannot be rebound.
 */
import type { MiddlewareHandler } from 'hono';

const address = /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]+\])$/i;

export function isTrustedHost(host: string | undefined, names: readonly string[]): boolean {
  const name = host?.replace(/:\d{1,5}$/, '').toLowerCase();
  if (!name) return false;
  return name === 'localhost' || address.test(name) || names.includes(name);
}

export function hostGuard(names: readonly string[]): MiddlewareHandler {
  return async (context, next) => {
    if (isTrustedHost(context.req.header('host'), names)) return next();
    return context.text('This development server accepts only its own address and localhost as Host.', 421);
  };
}
