/**
 * How a server's types reach its clients without the client importing any of the server's code:
 * `createClient<typeof uploads>()` reads the phantom property below, which exists in types only.
 */

/** What one route takes and gives. `metadata` is the schema's input, `data` what `onComplete` returns. */
export interface RouteTypes {
  metadata: unknown;
  data: unknown;
}

export interface TypedUploads<Routes extends Record<string, RouteTypes> = Record<string, RouteTypes>> {
  /** Never set at run time. */
  readonly $routes?: Routes;
}

export type RoutesOf<U extends TypedUploads> = NonNullable<U['$routes']>;
