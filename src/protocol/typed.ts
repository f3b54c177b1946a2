/**
 * Passes the types of a server to its clients without importing its code: `createClient<typeof uploads>()` reads the
 * property `$routes`, which exists in types only.
 */

/** The types of one route: `metadata` is the input of its schema, `data` the result of its `onComplete`. */
export interface RouteTypes {
  metadata: unknown;
  data: unknown;
}

export interface TypedUploads<Routes extends Record<string, RouteTypes> = Record<string, RouteTypes>> {
  /** Always undefined at run time. */
  readonly $routes?: Routes;
}

export type RoutesOf<U extends TypedUploads> = NonNullable<U['$routes']>;
