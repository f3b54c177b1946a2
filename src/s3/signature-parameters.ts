/**
 * Parses the parameters of a SigV4 signature from a query or an Authorization header. Only their format is checked
 * here. Messages and codes are those of AWS, because tools and developers search for them.
 */
import { S3AuthError } from './auth-error.ts';
import { formatAmzDate, parseAmzDate } from './dates.ts';
import type { Query } from './query.ts';
import { algorithm } from './sign.ts';

export interface SignatureParameters {
  kind: 'query' | 'header';
  accessKeyId: string;
  day: string;
  region: string;
  /** `day/region/service/aws4_request` */
  scope: string;
  amzDate: string;
  /** Milliseconds since the epoch. */
  signedAt: number;
  /** Only in a query. */
  expiresInSeconds: number | undefined;
  /** Sorted. */
  signedHeaders: readonly string[];
  signature: string;
  sessionToken: string | undefined;
}

export interface ScopeExpectation {
  service: string;
  region: string | undefined;
}

export type Headers = Readonly<Record<string, string>>;

export const maxExpiresInSeconds = 604_800;

export function getHeader(headers: Headers, name: string): string | undefined {
  return Object.hasOwn(headers, name) ? headers[name] : undefined;
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html */
export function parseQuerySignature(query: Query, headers: Headers, expected: ScopeExpectation): SignatureParameters {
  const fail: Fail = (message, details) => {
    throw new S3AuthError('AuthorizationQueryParametersError', message, details);
  };
  const given = query.get('X-Amz-Algorithm');
  const credential = query.get('X-Amz-Credential');
  const signature = query.get('X-Amz-Signature');
  const amzDate = query.get('X-Amz-Date');
  const signedHeaders = query.get('X-Amz-SignedHeaders');
  const expires = query.get('X-Amz-Expires');
  if (!given || !credential || !signature || !amzDate || !signedHeaders || !expires)
    fail(
      'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, ' +
        'X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.',
    );
  if (given !== algorithm) fail(`X-Amz-Algorithm only supports "${algorithm}"`);
  if (!/^-?\d+$/.test(expires)) fail('X-Amz-Expires should be a number');
  const expiresInSeconds = Number(expires);
  if (expiresInSeconds < 0) fail('X-Amz-Expires must be non-negative');
  if (expiresInSeconds > maxExpiresInSeconds)
    fail(
      'X-Amz-Expires must be less than a week (in seconds); ' +
        'that is, the given X-Amz-Expires must be less than 604800 seconds',
    );
  const signedAt = parseAmzDate(amzDate);
  if (Number.isNaN(signedAt)) fail("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
  const scoped = parseCredential(credential, amzDate, expected, (message, details) =>
    fail(`Error parsing the X-Amz-Credential parameter; ${message}`, details),
  );
  return {
    kind: 'query',
    ...scoped,
    amzDate,
    signedAt,
    expiresInSeconds,
    signedHeaders: parseSignedHeaders(signedHeaders, fail),
    signature,
    sessionToken: query.get('X-Amz-Security-Token') ?? getHeader(headers, 'x-amz-security-token'),
  };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html */
export function parseHeaderSignature(
  authorization: string,
  headers: Headers,
  expected: ScopeExpectation,
): SignatureParameters {
  const fail: Fail = (message, details) => {
    throw new S3AuthError('AuthorizationHeaderMalformed', `The authorization header is malformed; ${message}`, details);
  };
  if (/^AWS /.test(authorization))
    throw new S3AuthError(
      'InvalidRequest',
      `The authorization mechanism you have provided is not supported. Please use ${algorithm}.`,
    );
  if (!authorization.startsWith(`${algorithm} `))
    throw new S3AuthError('InvalidArgument', 'Unsupported Authorization Type', { ArgumentName: 'Authorization' });
  const parts = new Map<string, string>();
  for (const part of authorization.slice(algorithm.length + 1).split(',')) {
    const [name = '', ...value] = part.trim().split('=');
    if (parts.has(name)) fail(`${name} must be given once.`);
    parts.set(name, value.join('='));
  }
  const missing = ['Credential', 'SignedHeaders', 'Signature'].find((name) => !parts.get(name));
  if (missing) fail(`missing ${missing}.`);
  const { amzDate, signedAt } = headerDate(headers);
  return {
    kind: 'header',
    ...parseCredential(parts.get('Credential') ?? '', amzDate, expected, fail),
    amzDate,
    signedAt,
    expiresInSeconds: undefined,
    signedHeaders: parseSignedHeaders(parts.get('SignedHeaders') ?? '', fail),
    signature: parts.get('Signature') ?? '',
    sessionToken: getHeader(headers, 'x-amz-security-token'),
  };
}

/** Reads `x-amz-date`, or else `Date`, which the string to sign contains in the format of `x-amz-date`. */
function headerDate(headers: Headers): { amzDate: string; signedAt: number } {
  const amzDate = getHeader(headers, 'x-amz-date');
  if (amzDate !== undefined) {
    const signedAt = parseAmzDate(amzDate);
    if (!Number.isNaN(signedAt)) return { amzDate, signedAt };
  } else {
    const signedAt = Date.parse(getHeader(headers, 'date') ?? '');
    if (!Number.isNaN(signedAt)) return { amzDate: formatAmzDate(signedAt), signedAt };
  }
  throw new S3AuthError('AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header');
}

type Fail = (message: string, details?: Record<string, string>) => never;

/** The scope is read from the right, because an access key may contain slashes on storages other than AWS. */
export function parseCredential(credential: string, amzDate: string, expected: ScopeExpectation, fail: Fail) {
  const parts = credential.split('/');
  const [day = '', region = '', service = '', terminal = ''] = parts.slice(-4);
  const accessKeyId = parts.slice(0, -4).join('/');
  if (!accessKeyId || !/^\d{8}$/.test(day) || !region)
    fail('the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".');
  if (terminal !== 'aws4_request') fail(`incorrect terminal "${terminal}". This endpoint uses "aws4_request".`);
  if (service !== expected.service)
    fail(`incorrect service "${service}". This endpoint belongs to "${expected.service}".`);
  if (expected.region !== undefined && region !== expected.region)
    fail(`the region '${region}' is wrong; expecting '${expected.region}'`, { Region: expected.region });
  if (!amzDate.startsWith(day))
    fail(`Invalid credential date "${day}". This date is not the same as X-Amz-Date: "${amzDate.slice(0, 8)}".`);
  return { accessKeyId, day, region, scope: `${day}/${region}/${service}/${terminal}` };
}

function parseSignedHeaders(text: string, fail: Fail): string[] {
  const names = text.split(';');
  // RFC 9110 section 5.6.2, lower case
  if (names.some((name) => !/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name)))
    fail('SignedHeaders must be lower-case header names.');
  if (new Set(names).size !== names.length) fail('SignedHeaders must name each header once.');
  return names.sort();
}
