/**
 * Owners on routes for `anyone`. Every request is a new owner there, so that a limit for each owner would limit
 * nothing, and would leave a counter behind for each request. Such limits count by the client's address, or the server
 * does not start.
 */
import { createHmac } from 'node:crypto';
import { WaybillError } from '../../protocol/index.ts';
import type { CallbackRequest, Owner } from '../callback-inputs.ts';
import type { UploadsOptions } from '../options.ts';
import { isAnyone } from '../route.ts';
import { networkOf } from './rate-limits.ts';

/** The limits for each owner that apply to this route, as an app names them. */
function ownerLimitsOf(name: string, { quota, rateLimit, routes }: UploadsOptions): string[] {
  return [
    ...(routes[name]?.definition?.quota ? [`routes.${name}.quota`] : []),
    ...(quota ? ['quota'] : []),
    ...(rateLimit?.perOwner ? ['rateLimit.perOwner'] : []),
  ];
}

/**
 * @throws {WaybillError} `config_invalid` for a limit for each owner on a route for `anyone`, without `clientAddress`
 */
export function refuseUncountedLimits(given: UploadsOptions): void {
  if (given.clientAddress) return;
  for (const [name, route] of Object.entries(given.routes)) {
    if (!isAnyone(route?.definition?.authorize)) continue;
    const [limit] = ownerLimitsOf(name, given);
    if (limit !== undefined)
      throw new WaybillError(
        'config_invalid',
        `\`${limit}\` would limit nothing on the route "${name}": it is for \`anyone\`, so that each request is a new owner. Give \`clientAddress\`, and the limit counts by address there, or leave the limit out.`,
      );
  }
}

/**
 * On a route for `anyone` with limits for each owner, the owner of all uploads from one address (of one /64 network of
 * IPv6). A keyed hash: neither a key nor the ledger tells the address. Requests whose address is unknown share one
 * owner.
 */
export function addressOwnerOf(
  name: string,
  given: UploadsOptions,
  secrets: () => readonly string[],
): ((request: CallbackRequest) => Owner) | undefined {
  const { clientAddress, routes } = given;
  if (!clientAddress || !isAnyone(routes[name]?.definition?.authorize)) return undefined;
  if (ownerLimitsOf(name, given).length === 0) return undefined;
  return (request) => {
    const network = networkOf(clientAddress(request) || 'unknown');
    const digest = createHmac('sha256', secrets()[0] as string)
      .update(`anonymous owner ${network}`)
      .digest('hex');
    return { ownerId: digest.slice(0, 32) };
  };
}
