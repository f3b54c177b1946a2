import { WaybillError } from '../protocol/index.ts';
import type { ResolvedRoute } from './config.ts';
import { brokenOwnerRule } from './keys.ts';
import type { Action, AuthorizeFile, CallbackRequest, Owner } from './types.ts';

/** @throws {WaybillError} `unauthenticated`, whatever code the app threw, or `internal_error` for a bug of the app's */
export async function authorize(
  route: ResolvedRoute,
  request: CallbackRequest,
  action: Action,
  files: readonly AuthorizeFile[],
): Promise<Owner> {
  const context = await route.definition.authorize({ request, route: route.name, action, files });
  if (!context) throw new WaybillError('unauthenticated', 'Sign in first.');
  const rule = brokenOwnerRule((context as { ownerId?: unknown }).ownerId);
  if (rule) throw new WaybillError('internal_error', `What authorize returned cannot be used: ${rule}.`);
  return context;
}

/**
 * One answer for an unknown upload, another owner's, and a route that is gone: it does not tell which
 * (ATTACKS A3).
 */
export function notFound(): WaybillError {
  return new WaybillError('upload_not_found', 'There is no such upload.');
}

/** On a public route each request is someone new: there the grant is all the proof there is. */
export function requireOwner(route: ResolvedRoute, owner: Owner, ownerId: string): void {
  if (!route.public && owner.ownerId !== ownerId) throw notFound();
}
