/** Does this request come from who it says, is it the one they signed, and is it still time? Refuses as AWS refuses. */
import { timingSafeEqual } from 'node:crypto';
import { S3AuthError } from './auth-error.ts';
import { type Claims, type Headers, headerClaims, headerOf, queryClaims } from './claims.ts';
import { canonicalEscapes } from './encode.ts';
import { parseQuery, type Query } from './query.ts';
import { canonicalRequest, headerBlock, signatureOf, stringToSign, unsignedPayload } from './sign.ts';
import { signingKeyOf } from './signing-key.ts';
import type { Credentials } from './types.ts';

export interface RequestToVerify {
  method: string;
  /** As it came over the wire, before any decoding. */
  rawPath: string;
  /** Without the question mark. */
  rawQuery: string;
  /** Lower-case names. */
  headers: Headers;
}

export interface VerifyOptions {
  lookup(accessKeyId: string): Credentials | undefined;
  /** Milliseconds since the epoch. */
  now: number;
  /** @default 900 */
  maxSkewSeconds?: number;
  /** @default 's3' */
  service?: 's3';
  /** @default any region the request names */
  region?: string | undefined;
}

/** How the body is bound to the signature; the receiver has to check it while reading. */
export type PayloadClaim =
  | { kind: 'sha256'; hex: string }
  | { kind: 'unsigned' }
  /** `aws-chunked`; `signed`: each chunk carries a signature; `trailer`: trailing headers follow the last chunk. */
  | { kind: 'streaming'; signed: boolean; trailer: boolean };

export interface VerifiedRequest {
  accessKeyId: string;
  kind: 'query' | 'header';
  signedHeaders: readonly string[];
  payload: PayloadClaim;
  signature: string;
  /** `day/region/service/aws4_request` */
  scope: string;
  /** `yyyyMMddTHHmmssZ` */
  date: string;
  /** Verifies the chunks of a signed stream. */
  signingKey: Buffer;
}

/** @throws S3AuthError with AWS's code, status and message */
export function verifyRequest(request: RequestToVerify, options: VerifyOptions): VerifiedRequest {
  const query = parseQuery(request.rawQuery);
  const claims = claimsOf(request, query, options);
  checkTime(claims, options);
  checkCoverage(claims, request.headers);
  const credentials = checkCredentials(claims, options);
  const word = payloadWord(claims, query, request.headers);
  const payload = payloadClaim(word);
  const signingKey = signingKeyOf(credentials, claims.day, claims.region);
  checkSignature(claims, request, query, word, signingKey);
  const { accessKeyId, kind, signedHeaders, signature, scope, amzDate } = claims;
  return { accessKeyId, kind, signedHeaders, payload, signature, scope, date: amzDate, signingKey };
}

function claimsOf({ headers }: RequestToVerify, query: Query, options: VerifyOptions): Claims {
  const expected = { service: options.service ?? 's3', region: options.region };
  const authorization = headerOf(headers, 'authorization');
  const inQuery = ['X-Amz-Algorithm', 'X-Amz-Signature', 'X-Amz-Credential', 'Signature'].some((name) =>
    query.has(name),
  );
  if (authorization !== undefined && inQuery)
    throw new S3AuthError(
      'InvalidArgument',
      'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified',
      { ArgumentName: 'Authorization' },
    );
  if (authorization !== undefined) return headerClaims(authorization, headers, expected);
  if (!inQuery) throw new S3AuthError('AccessDenied', 'Access Denied');
  if (query.has('Signature'))
    throw new S3AuthError(
      'InvalidRequest',
      'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.',
    );
  return queryClaims(query, headers, expected);
}

function checkTime(
  { signedAt, expiresInSeconds, amzDate }: Claims,
  { now, maxSkewSeconds = 900 }: VerifyOptions,
): void {
  const skew = maxSkewSeconds * 1000;
  const serverTime = isoSeconds(now);
  if (expiresInSeconds === undefined) {
    if (Math.abs(now - signedAt) > skew)
      throw new S3AuthError(
        'RequestTimeTooSkewed',
        'The difference between the request time and the current time is too large.',
        { RequestTime: amzDate, ServerTime: serverTime, MaxAllowedSkewMilliseconds: String(skew) },
      );
    return;
  }
  if (signedAt > now + skew)
    throw new S3AuthError('AccessDenied', 'Request is not yet valid', {
      'X-Amz-Date': amzDate,
      ServerTime: serverTime,
    });
  const expires = signedAt + expiresInSeconds * 1000;
  if (now > expires)
    throw new S3AuthError('AccessDenied', 'Request has expired', {
      'X-Amz-Expires': String(expiresInSeconds),
      Expires: isoSeconds(expires),
      ServerTime: serverTime,
    });
}

/** Known key; and the session token that belongs to it, no more and no less. */
export function checkCredentials(
  { accessKeyId, sessionToken }: Pick<Claims, 'accessKeyId' | 'sessionToken'>,
  { lookup, now }: Pick<VerifyOptions, 'lookup' | 'now'>,
): Credentials {
  const credentials = lookup(accessKeyId);
  // Temporary keys do not exist for AWS without their token.
  if (!credentials || (credentials.sessionToken && !sessionToken))
    throw new S3AuthError('InvalidAccessKeyId', 'The AWS Access Key Id you provided does not exist in our records.', {
      AWSAccessKeyId: accessKeyId,
    });
  if (sessionToken !== undefined && !sameText(sessionToken, credentials.sessionToken ?? ''))
    throw new S3AuthError('InvalidToken', 'The provided token is malformed or otherwise invalid.');
  if (credentials.expiration && credentials.expiration.getTime() <= now)
    throw new S3AuthError('ExpiredToken', 'The provided token has expired.');
  return credentials;
}

/** What may not be left out of the signature, because storages act on it. */
function checkCoverage({ kind, signedHeaders }: Claims, headers: Headers): void {
  const signed = new Set(signedHeaders);
  const unsigned = Object.keys(headers).filter((name) => mustBeSigned(name, kind, signed) && !signed.has(name));
  if (!signed.has('host') && !unsigned.includes('host')) unsigned.push('host');
  if (unsigned.length > 0)
    throw new S3AuthError('AccessDenied', 'There were headers present in the request which were not signed', {
      HeadersNotSigned: unsigned.sort().join(', '),
    });
}

function mustBeSigned(name: string, kind: Claims['kind'], signed: ReadonlySet<string>): boolean {
  // AWS: an unsigned one in a presigned request still takes part, as the canonical request's last line.
  if (name === 'x-amz-content-sha256') return kind === 'header';
  // AWS: a signed Range drags If-Range along. https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html
  if (name === 'if-range') return signed.has('range');
  return name.startsWith('x-amz-') || name === 'content-md5';
}

function payloadWord({ kind }: Claims, query: Query, headers: Headers): string {
  const word = query.get('X-Amz-Content-Sha256') ?? headerOf(headers, 'x-amz-content-sha256');
  if (word !== undefined) return word;
  if (kind === 'query') return unsignedPayload;
  throw new S3AuthError('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256');
}

const streaming: ReadonlyMap<string, PayloadClaim> = new Map([
  [unsignedPayload, { kind: 'unsigned' }],
  ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD', { kind: 'streaming', signed: true, trailer: false }],
  ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER', { kind: 'streaming', signed: true, trailer: true }],
  ['STREAMING-UNSIGNED-PAYLOAD-TRAILER', { kind: 'streaming', signed: false, trailer: true }],
]);

function payloadClaim(word: string): PayloadClaim {
  const claim = streaming.get(word);
  if (claim) return claim;
  if (/^[0-9a-fA-F]{64}$/.test(word)) return { kind: 'sha256', hex: word.toLowerCase() };
  throw new S3AuthError(
    'InvalidArgument',
    `x-amz-content-sha256 must be ${[...streaming.keys()].join(', ')} or a valid sha256 value.`,
    { ArgumentName: 'x-amz-content-sha256', ArgumentValue: word },
  );
}

function checkSignature(
  claims: Claims,
  { method, rawPath, headers }: RequestToVerify,
  query: Query,
  payload: string,
  signingKey: Buffer,
): void {
  const path = canonicalEscapes(rawPath, '/');
  if (path === null) throw new S3AuthError('InvalidURI', "Couldn't parse the specified URI.");
  const signed = claims.signedHeaders.map(
    (name) => [name, (headerOf(headers, name) ?? '').trim().replaceAll(/ +/g, ' ')] as const,
  );
  const canonical = canonicalRequest({ method, path, query: query.canonical, headers: headerBlock(signed), payload });
  // node:http hands over header bytes as Latin-1: hash the bytes that were sent.
  const text = stringToSign(claims.amzDate, claims.scope, Buffer.from(canonical, 'latin1'));
  // An absent header is not the same as an empty one: what was signed must have been sent.
  const sent = claims.signedHeaders.every((name) => Object.hasOwn(headers, name));
  if (!sameText(signatureOf(signingKey, text), claims.signature) || !sent)
    throw signatureMismatch(claims, {
      stringToSign: Buffer.from(text),
      canonicalRequest: Buffer.from(canonical, 'latin1'),
    });
}

/** Everything that a developer needs to find out which of the two sides signed something else. */
export function signatureMismatch(
  { accessKeyId, signature }: { accessKeyId: string; signature: string },
  { stringToSign, canonicalRequest }: { stringToSign: Buffer; canonicalRequest?: Buffer },
): S3AuthError {
  return new S3AuthError(
    'SignatureDoesNotMatch',
    'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
    {
      AWSAccessKeyId: accessKeyId,
      StringToSign: stringToSign.toString(),
      SignatureProvided: signature,
      StringToSignBytes: hexBytes(stringToSign),
      ...(canonicalRequest
        ? { CanonicalRequest: canonicalRequest.toString(), CanonicalRequestBytes: hexBytes(canonicalRequest) }
        : {}),
    },
  );
}

/** `41 57 53 34` */
function hexBytes(bytes: Buffer): string {
  return bytes.toString('hex').replace(/..(?=.)/g, '$& ');
}

/** In constant time, the length excepted. */
export function sameText(a: string, b: string): boolean {
  const bytesA = Buffer.from(a);
  const bytesB = Buffer.from(b);
  return bytesA.length === bytesB.length && timingSafeEqual(bytesA, bytesB);
}

function isoSeconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
