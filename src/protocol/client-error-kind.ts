import type { CodeOfKind, ErrorKind, KindOf } from './errors.ts';

/** The kinds by which a client decides what to do next. */
export type ClientErrorKind = Extract<ErrorKind, 'auth' | 'unavailable' | 'network' | 'source'>;

/** Part of the error table: a page does not load 34 rows for 8. The compiler compares it with the table. */
const kinds: { readonly [Code in CodeOfKind<ClientErrorKind>]: KindOf<Code> } = {
  unauthenticated: 'auth',
  forbidden: 'auth',
  storage_unavailable: 'unavailable',
  ledger_unavailable: 'unavailable',
  timeout: 'unavailable',
  network_error: 'network',
  source_unreadable: 'source',
  source_changed: 'source',
};

/**
 * The kind of an error code in a client, where `errorTable` would cost too many bytes.
 *
 * @returns undefined for every other kind, and for a code that only a newer server knows
 */
export function clientErrorKind(code: string): ClientErrorKind | undefined {
  return Object.hasOwn(kinds, code) ? kinds[code as keyof typeof kinds] : undefined;
}
