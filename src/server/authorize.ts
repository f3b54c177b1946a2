import { WaybillError } from '../protocol/index.ts';
import type { ResolvedRoute } from './config.ts';
import { brokenOwnerRule } from './grants/keys.ts';
import { uploadNotFound } from './shared/errors.ts';
import { isThenable } from './shared/thenable.ts';
import type { Action, AuthorizeFile, CallbackRequest, Owner } from './types.ts';

/**
 * Asks the app. A promise only when the app gave one.
 *
 * @throws {WaybillError} `unauthenticated`, whatever code the app threw, or `internal_error` for a bug of the app's
 */
export function authorize(
  route: ResolvedRoute,
  request: CallbackRequest,
  action: Action,
  files: readonly AuthorizeFile[],
): Owner | Promise<Owner> {
  const context = route.definition.authorize({ request, route: route.name, action, files });
  return isThenable(context) ? Promise.resolve(context).then(requireContext) : requireContext(context);
}

function requireContext(context: unknown): Owner {
  if (!context) throw new WaybillError('unauthenticated', 'Sign in first.');
  const rule = brokenOwnerRule((context as { ownerId?: unknown }).ownerId);
  if (rule) throw new WaybillError('internal_error', `The result of \`authorize\` cannot be used: ${rule}.`);
  return context as Owner;
}

/**
 * One answer for an unknown upload, another owner's, and a route that is gone: it does not tell which
 * (attack A3 in docs/threat-model.md).
 */
export function notFound(): WaybillError {
  return uploadNotFound();
}

/** On a public route each request is someone new: there the grant is all the proof there is. */
export function requireOwner(route: ResolvedRoute, owner: Owner, ownerId: string): void {
  if (!route.public && owner.ownerId !== ownerId) throw notFound();
}
