/**
 * protocol: what client and server agree on. Wire types, the error table, limits. Imports nothing.
 */
export * from './errors.ts';
export * from './limits.ts';
export type * from './typed.ts';
export * from './units.ts';
export type * from './wire.ts';
