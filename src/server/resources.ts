import { WaybillError } from '../protocol/index.ts';
import type { Operation } from './events.ts';

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
]);

const open: readonly (readonly [prefix: string, Resource])[] = [
  ['/uploads/routes/', resource({ GET: 'route', HEAD: 'route' })],
  ['/files/', resource({ GET: 'view', HEAD: 'view', DELETE: 'delete' })],
];

/** Null for a path that is not ours. */
export function findResource(basePath: string, path: string): { resource: Resource; target: string } | null {
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

export function routeNotFound(): WaybillError {
  return new WaybillError('route_not_found', 'There is nothing here.');
}

export function methodNotAllowed({ allow }: Resource): WaybillError {
  return new WaybillError('method_not_allowed', `This takes ${allow}.`, { details: { allow } });
}
