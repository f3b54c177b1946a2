/**
 * protocol: what client and server agree on: wire types, the error table, limits, formats, the part planner. It imports
 * no other module.
 */
export * from './client-error-kind.ts';
export * from './content-types.ts';
export type * from './error-details.ts';
export * from './errors.ts';
export * from './format.ts';
export * from './formats/index.ts';
export * from './limits.ts';
export * from './parts.ts';
export type * from './typed.ts';
export * from './units.ts';
export type * from './wire.ts';
