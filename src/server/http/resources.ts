import { WaybillError } from '../../protocol/index.ts';
import type { Operation } from '../events.ts';

export interface Resource {
  operations: Readonly<Record<string, Exclude<Operation, 'preflight' | 'unknown'> | undefined>>;
  /** The value of the `Allow` header. */
  allow: string;
  /** The option of `createUploads()` without which the path belongs to the app. */
  option?: 'events' | 'upkeep';
}

/** The options that decide which paths are Waybill's. */
type PathOptions = Readonly<Record<'events' | 'upkeep', unknown>>;

function resource(operations: Resource['operations'], option?: 'events' | 'upkeep'): Resource {
  const table = Object.assign(Object.create(null), operations) as Resource['operations'];
  const allow = [...Object.keys(operations), 'OPTIONS'].join(', ');
  return { operations: table, allow, ...(option ? { option } : {}) };
}

const uploads = resource({ GET: 'files', POST: 'grant' });
const uploadsWithoutLists = resource({ POST: 'grant' });

const fixed: ReadonlyMap<string, Resource> = new Map([
  ['/uploads', uploads],
  ['/uploads/parts', resource({ POST: 'parts' })],
  ['/uploads/parts/list', resource({ POST: 'list' })],
  ['/uploads/complete', resource({ POST: 'complete' })],
  ['/uploads/abort', resource({ POST: 'abort' })],
  ['/events', resource({ POST: 'event' }, 'events')],
  // Cron services send GET: https://vercel.com/docs/cron-jobs
  ['/upkeep', resource({ GET: 'upkeep', POST: 'upkeep' }, 'upkeep')],
]);

const withTarget: readonly (readonly [prefix: string, Resource])[] = [
  ['/uploads/routes/', resource({ GET: 'route', HEAD: 'route' })],
  ['/files/', resource({ GET: 'view', HEAD: 'view', POST: 'rename', DELETE: 'delete' })],
];

export interface FoundResource {
  resource: Resource;
  /** The route or the view reference in the path, or ''. */
  target: string;
}

/**
 * Null for a path that Waybill does not serve. Repeated slashes and a slash at the end are ignored: developers
 * concatenate endpoints, and Next's `trailingSlash` adds one. Without a redirect no `//host` in a path can lead to
 * another host.
 */
export function findResource(basePath: string, given: string): FoundResource | null {
  const path = removeExtraSlashes(given);
  if (!path.startsWith(basePath)) return null;
  const rest = basePath === '' ? path : path.slice(basePath.length);
  const one = fixed.get(rest);
  if (one) return { resource: one, target: '' };
  for (const [prefix, many] of withTarget) {
    if (!rest.startsWith(prefix)) continue;
    const target = rest.slice(prefix.length);
    // Route names and references contain no slash.
    if (!target.includes('/')) return { resource: many, target };
  }
  return null;
}

/**
 * Where no route opens its list, GET is not a method of `/uploads`, so that the answer is 405 and not 404
 * (https://www.rfc-editor.org/rfc/rfc9110#section-15.5.6).
 */
export function withoutClosedMethods(resource: Resource, hasOpenLists: boolean): Resource {
  return resource === uploads && !hasOpenLists ? uploadsWithoutLists : resource;
}

const isEnabled = ({ option }: Resource, options: PathOptions) => option === undefined || options[option] !== undefined;

/** Whether the path is Waybill's. `/events` and `/upkeep` are the app's own while their options are not set. */
export function ownsPath(basePath: string, options: PathOptions, path: string): boolean {
  const found = findResource(basePath, path);
  return found !== null && isEnabled(found.resource, options);
}

export interface HandlerPaths {
  /** Paths as they are. */
  exact: readonly string[];
  /** Every path below these. */
  below: readonly string[];
}

/** The paths, without `basePath`, that the router of a framework passes to the handler. */
export function listPaths(options: PathOptions): HandlerPaths {
  const enabled = [...fixed].filter(([, one]) => isEnabled(one, options)).map(([path]) => path);
  const firstSegment = (path: string) => path.slice(0, path.indexOf('/', 1));
  const isDeep = (path: string) => path.lastIndexOf('/') > 0;
  return {
    exact: enabled.filter((path) => !isDeep(path)),
    below: [...new Set([...enabled.filter(isDeep), ...withTarget.map(([prefix]) => prefix)].map(firstSegment))],
  };
}

/** For requests that a framework has passed to Waybill. Some, such as Next, remove their own base path from the URL. */
export function findResourceOfMounted(basePath: string, path: string): FoundResource | null {
  return findResource(basePath, path) ?? (basePath === '' ? null : findResource('', path));
}

function removeExtraSlashes(path: string): string {
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
  return new WaybillError('method_not_allowed', `This address allows only ${allow}.`, { details: { allow } });
}
