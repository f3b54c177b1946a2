/**
 * protocol: what client and server agree on. Wire types, the error table, limits, the part planner. Imports nothing.
 */
export type * from './error-details.ts';
export * from './errors.ts';
export * from './format-bytes.ts';
export * from './limits.ts';
export * from './parts.ts';
export type * from './typed.ts';
export * from './units.ts';
export type * from './wire.ts';
