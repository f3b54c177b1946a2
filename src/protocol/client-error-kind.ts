import type { CodeOfKind, ErrorKind, KindOf } from './errors.ts';

/** The kinds by which a client decides what to do next. */
export type ClientErrorKind = Extract<ErrorKind, 'auth' | 'unavailable' | 'network' | 'source'>;

/**
 * The rows of the error table that a client needs: a page does not load 34 rows to use 8. The type makes the compiler
 * compare them with the table.
 */
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
