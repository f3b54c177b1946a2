/**
 * The part of Standard Schema v1 (https://standardschema.dev) that a route's `metadata` uses. Types only, so that any
 * of its libraries fits without Waybill depending on one.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

export type InputOf<S> = S extends StandardSchema<infer Input, unknown> ? Input : undefined;
export type OutputOf<S> = S extends StandardSchema<unknown, infer Output> ? Output : undefined;
