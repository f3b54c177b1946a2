import { WaybillError } from '../protocol/index.ts';
import type { Action, AuthorizeFile, CallbackRequest, Owner } from './callback-inputs.ts';
import type { ResolvedRoute } from './config.ts';
import { findBrokenOwnerRule } from './grants/keys.ts';
import { uploadNotFound } from './shared/errors.ts';
import { isThenable } from './shared/thenable.ts';

/**
 * Calls `authorize` of the app. Returns a promise only when the app does.
 *
 * @throws {WaybillError} `unauthenticated`, the error that the app threw, or `internal_error` for a bug of the app
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
  const rule = findBrokenOwnerRule((context as { ownerId?: unknown }).ownerId);
  if (rule) throw new WaybillError('internal_error', `The result of \`authorize\` cannot be used: ${rule}.`);
  return context as Owner;
}

/**
 * The same answer for an unknown upload, another owner's upload and a missing route, so that it does not reveal which
 * (attack A3 in docs/threat-model.md).
 */
export function notFound(): WaybillError {
  return uploadNotFound();
}

/** On a public route each request is a new owner, so the grant is the only proof. */
export function requireOwner(route: ResolvedRoute, owner: Owner, ownerId: string): void {
  if (!route.public && owner.ownerId !== ownerId) throw notFound();
}
