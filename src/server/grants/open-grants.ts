import { authorize, notFound, requireOwner } from '../authorize.ts';
import type { Action, CallbackRequest, Owner } from '../callback-inputs.ts';
import type { Config } from '../config.ts';
import { grantInvalid } from '../shared/errors.ts';
import { type Failure, isFailure } from '../shared/failure.ts';
import type { OpenedGrant } from '../state/claims.ts';
import { restoreMetadata } from '../state/restore-grant.ts';
import type { Grants } from './grants.ts';

/** The requests in which a client sends a grant back. */
export type LaterAction = Extract<Action, 'parts' | 'complete' | 'abort'>;

/**
 * Opens the grants of a request and calls `authorize` once for each of their routes. Holding a grant is not enough:
 * only its owner may use it.
 */
export async function openGrants(
  { config, grants }: { config: Config; grants: Grants },
  request: CallbackRequest,
  texts: readonly string[],
  action: LaterAction,
): Promise<(OpenedGrant | Failure)[]> {
  const opened = texts.map((text) => grants.openGrant(text));
  for (const [index, one] of opened.entries())
    if (one?.claims.metadataInLedger) opened[index] = await restoreMetadata(config.ledger, one);
  const owners = new Map<string, Owner | Failure>();
  for (const name of new Set(opened.flatMap((one) => one?.claims.route ?? []))) {
    const files = opened.flatMap((one) => (one?.claims.route === name ? [one.claims] : []));
    owners.set(name, await authorizeOwner(config, name, request, action, files));
  }
  return opened.map((one) => {
    if (!one) return { failure: grantInvalid() };
    const owner = owners.get(one.claims.route) as Owner | Failure;
    if (isFailure(owner)) return owner;
    const route = config.routes.get(one.claims.route);
    try {
      if (!route) throw notFound();
      requireOwner(route, owner, one.claims.ownerId);
      return one;
    } catch (failure) {
      return { failure };
    }
  });
}

async function authorizeOwner(
  config: Config,
  name: string,
  request: CallbackRequest,
  action: LaterAction,
  claims: readonly OpenedGrant['claims'][],
): Promise<Owner | Failure> {
  const route = config.routes.get(name);
  if (!route) return { failure: notFound() };
  const files = claims.map(({ fileName, size, contentType, metadata }) => ({ fileName, size, contentType, metadata }));
  try {
    return await authorize(route, request, action, files);
  } catch (failure) {
    return { failure };
  }
}
