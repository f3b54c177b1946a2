import { WaybillError } from '../../protocol/index.ts';
import type { Operation } from '../events.ts';

export interface Resource {
  operations: Readonly<Record<string, Exclude<Operation, 'preflight' | 'unknown'> | undefined>>;
  /** For `Allow`. */
  allow: string;
}

function resource(operations: Resource['operations']): Resource {
  const table = Object.assign(Object.create(null), operations) as Resource['operations'];
  return { operations: table, allow: [...Object.keys(operations), 'OPTIONS'].join(', ') };
}

const fixed: ReadonlyMap<string, Resource> = new Map([
  ['/uploads', resource({ POST: 'grant' })],
  ['/uploads/parts', resource({ POST: 'parts' })],
  ['/uploads/parts/list', resource({ POST: 'list' })],
  ['/uploads/complete', resource({ POST: 'complete' })],
  ['/uploads/abort', resource({ POST: 'abort' })],
  ['/events', resource({ POST: 'event' })],
  // Cron services send GET: https://vercel.com/docs/cron-jobs
  ['/upkeep', resource({ GET: 'upkeep', POST: 'upkeep' })],
]);

const open: readonly (readonly [prefix: string, Resource])[] = [
  ['/uploads/routes/', resource({ GET: 'route', HEAD: 'route' })],
  ['/files/', resource({ GET: 'view', HEAD: 'view', DELETE: 'delete' })],
];

export interface FoundResource {
  resource: Resource;
  /** What the path names: a route or a ref. */
  target: string;
}

/**
 * Null for a path that is not ours. Double slashes and one at the end count as none: endpoints are put together by hand, and
 * Next's `trailingSlash` adds one. Nothing redirects, so that no slash ever leads to another host.
 */
export function findResource(basePath: string, given: string): FoundResource | null {
  const path = withoutSpareSlashes(given);
  if (!path.startsWith(basePath)) return null;
  const rest = basePath === '' ? path : path.slice(basePath.length);
  const one = fixed.get(rest);
  if (one) return { resource: one, target: '' };
  for (const [prefix, many] of open) {
    if (!rest.startsWith(prefix)) continue;
    const target = rest.slice(prefix.length);
    // Names and refs need no escapes; what has some is no name of ours.
    if (!target.includes('/')) return { resource: many, target };
  }
  return null;
}

/**
 * For requests that are ours by all means. Some frameworks strip what they are mounted below, such as the `basePath` of Next.
 */
export function findResourceOfMounted(basePath: string, path: string): FoundResource | null {
  return findResource(basePath, path) ?? (basePath === '' ? null : findResource('', path));
}

function withoutSpareSlashes(path: string): string {
  if (!path.endsWith('/') && !path.includes('//')) return path;
  const single = path.replace(/\/{2,}/g, '/');
  return single.endsWith('/') ? single.slice(0, -1) : single;
}

export function routeNotFound(): WaybillError {
  return new WaybillError('route_not_found', 'Uploads are not available at this address.', {
    details: {
      hint: 'Waybill serves no such path. Compare the `endpoint` of the client with `basePath` of createUploads().',
    },
  });
}

export function methodNotAllowed({ allow }: Resource): WaybillError {
  return new WaybillError('method_not_allowed', `This address takes only ${allow}.`, { details: { allow } });
}
