/** Parses the query string of a request to verify, into its canonical form. */
import { S3AuthError } from './auth-error.ts';
import { canonicalEscapes } from './encode.ts';

export interface Query {
  /** Decoded value; undefined when absent. */
  get(name: string): string | undefined;
  has(name: string): boolean;
  /** Encoded, sorted by name and then value, without the signature. */
  readonly canonical: string;
}

/**
 * @throws S3AuthError InvalidURI for a broken escape, AuthorizationQueryParametersError for a repeated `X-Amz-*`
 * parameter
 */
export function parseQuery(rawQuery: string): Query {
  const pairs: (readonly [name: string, value: string])[] = [];
  for (const part of rawQuery.split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = canonicalize(equals < 0 ? part : part.slice(0, equals));
    pairs.push([name, equals < 0 ? '' : canonicalize(part.slice(equals + 1))]);
  }
  const values = new Map<string, string>();
  for (const [name, value] of pairs) {
    if (values.has(name) && name.startsWith('X-Amz-'))
      throw new S3AuthError('AuthorizationQueryParametersError', `${name} must be given once.`);
    values.set(name, value);
  }
  return {
    get: (name) => decode(values.get(name)),
    has: (name) => values.has(name),
    canonical: pairs
      .filter(([name]) => name !== 'X-Amz-Signature')
      .sort(([nameA, valueA], [nameB, valueB]) => compare(nameA, nameB) || compare(valueA, valueB))
      .map(([name, value]) => `${name}=${value}`)
      .join('&'),
  };
}

/** A plus sign in a query means a space, as in forms. */
function canonicalize(raw: string): string {
  const escaped = canonicalEscapes(raw.replaceAll('+', '%20'), '');
  if (escaped === null) throw new S3AuthError('InvalidURI', "Couldn't parse the specified URI.");
  return escaped;
}

function decode(value: string | undefined): string | undefined {
  return value?.includes('%') ? Buffer.from(unescapeBytes(value), 'latin1').toString() : value;
}

function unescapeBytes(escaped: string): string {
  return escaped.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Compares by code point. Both texts are percent-encoded and therefore ASCII. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
