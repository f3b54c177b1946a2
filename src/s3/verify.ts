/** Verifies the signature, the credentials and the time of a request. The errors are those of AWS. */
import { timingSafeEqual } from 'node:crypto';
import { S3AuthError } from './auth-error.ts';
import { canonicalEscapes } from './encode.ts';
import { parseQuery, type Query } from './query.ts';
import { canonicalRequest, computeSignature, headerBlock, stringToSign, unsignedPayload } from './sign.ts';
import {
  getHeader,
  type Headers,
  parseHeaderSignature,
  parseQuerySignature,
  type SignatureParameters,
} from './signature-parameters.ts';
import { getSigningKey } from './signing-key.ts';
import type { Credentials } from './types.ts';

export interface RequestToVerify {
  method: string;
  /** As received, before any decoding. */
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

/** How the signature covers the body. The receiver must verify it while it reads the body. */
export type PayloadBinding =
  | { kind: 'sha256'; hex: string }
  | { kind: 'unsigned' }
  /** `aws-chunked`; `signed`: each chunk carries a signature; `trailer`: trailing headers follow the last chunk. */
  | { kind: 'streaming'; signed: boolean; trailer: boolean };

export interface VerifiedRequest {
  accessKeyId: string;
  kind: 'query' | 'header';
  signedHeaders: readonly string[];
  payload: PayloadBinding;
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
  const parameters = parseSignature(request, query, options);
  checkTime(parameters, options);
  checkSignedHeaders(parameters, request.headers);
  const credentials = checkCredentials(parameters, options);
  const payloadHash = readPayloadHash(parameters, query, request.headers);
  const payload = parsePayloadBinding(payloadHash);
  const signingKey = getSigningKey(credentials, parameters.day, parameters.region);
  checkSignature(parameters, request, query, payloadHash, signingKey);
  const { accessKeyId, kind, signedHeaders, signature, scope, amzDate } = parameters;
  return { accessKeyId, kind, signedHeaders, payload, signature, scope, date: amzDate, signingKey };
}

function parseSignature({ headers }: RequestToVerify, query: Query, options: VerifyOptions): SignatureParameters {
  const expected = { service: options.service ?? 's3', region: options.region };
  const authorization = getHeader(headers, 'authorization');
  const inQuery = ['X-Amz-Algorithm', 'X-Amz-Signature', 'X-Amz-Credential', 'Signature'].some((name) =>
    query.has(name),
  );
  if (authorization !== undefined && inQuery)
    throw new S3AuthError(
      'InvalidArgument',
      'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, ' +
        'Signature query string parameter or the Authorization header should be specified',
      { ArgumentName: 'Authorization' },
    );
  if (authorization !== undefined) return parseHeaderSignature(authorization, headers, expected);
  if (!inQuery) throw new S3AuthError('AccessDenied', 'Access Denied');
  if (query.has('Signature'))
    throw new S3AuthError(
      'InvalidRequest',
      'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.',
    );
  return parseQuerySignature(query, headers, expected);
}

function checkTime(
  { signedAt, expiresInSeconds, amzDate }: SignatureParameters,
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

/** Checks that the access key is known and that the session token is the one that belongs to it. */
export function checkCredentials(
  { accessKeyId, sessionToken }: Pick<SignatureParameters, 'accessKeyId' | 'sessionToken'>,
  { lookup, now }: Pick<VerifyOptions, 'lookup' | 'now'>,
): Credentials {
  const credentials = lookup(accessKeyId);
  // For AWS a temporary key without its token does not exist.
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

/** Headers that storages act on must be signed. */
function checkSignedHeaders({ kind, signedHeaders }: SignatureParameters, headers: Headers): void {
  const signed = new Set(signedHeaders);
  const unsigned = Object.keys(headers).filter((name) => requiresSignature(name, kind, signed) && !signed.has(name));
  if (!signed.has('host') && !unsigned.includes('host')) unsigned.push('host');
  if (unsigned.length > 0)
    throw new S3AuthError('AccessDenied', 'There were headers present in the request which were not signed', {
      HeadersNotSigned: unsigned.sort().join(', '),
    });
}

function requiresSignature(name: string, kind: SignatureParameters['kind'], signed: ReadonlySet<string>): boolean {
  // In a presigned request the canonical request contains its value in any case, as the last line.
  if (name === 'x-amz-content-sha256') return kind === 'header';
  // With a signed Range, If-Range must be signed too.
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html
  if (name === 'if-range') return signed.has('range');
  return name.startsWith('x-amz-') || name === 'content-md5';
}

function readPayloadHash({ kind }: SignatureParameters, query: Query, headers: Headers): string {
  const payloadHash = query.get('X-Amz-Content-Sha256') ?? getHeader(headers, 'x-amz-content-sha256');
  if (payloadHash !== undefined) return payloadHash;
  if (kind === 'query') return unsignedPayload;
  throw new S3AuthError('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256');
}

const payloadConstants: ReadonlyMap<string, PayloadBinding> = new Map([
  [unsignedPayload, { kind: 'unsigned' }],
  ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD', { kind: 'streaming', signed: true, trailer: false }],
  ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER', { kind: 'streaming', signed: true, trailer: true }],
  ['STREAMING-UNSIGNED-PAYLOAD-TRAILER', { kind: 'streaming', signed: false, trailer: true }],
]);

function parsePayloadBinding(payloadHash: string): PayloadBinding {
  const claim = payloadConstants.get(payloadHash);
  if (claim) return claim;
  if (/^[0-9a-fA-F]{64}$/.test(payloadHash)) return { kind: 'sha256', hex: payloadHash.toLowerCase() };
  throw new S3AuthError(
    'InvalidArgument',
    `x-amz-content-sha256 must be ${[...payloadConstants.keys()].join(', ')} or a valid sha256 value.`,
    { ArgumentName: 'x-amz-content-sha256', ArgumentValue: payloadHash },
  );
}

function checkSignature(
  parameters: SignatureParameters,
  { method, rawPath, headers }: RequestToVerify,
  query: Query,
  payload: string,
  signingKey: Buffer,
): void {
  const path = canonicalEscapes(rawPath, '/');
  if (path === null) throw new S3AuthError('InvalidURI', "Couldn't parse the specified URI.");
  const signed = parameters.signedHeaders.map(
    (name) => [name, (getHeader(headers, name) ?? '').trim().replaceAll(/ +/g, ' ')] as const,
  );
  const canonical = canonicalRequest({ method, path, query: query.canonical, headers: headerBlock(signed), payload });
  // node:http decodes headers as Latin-1, so encoding them as Latin-1 restores the bytes that were sent.
  const text = stringToSign(parameters.amzDate, parameters.scope, Buffer.from(canonical, 'latin1'));
  // A signed header must be present: a missing header is not the same as an empty one.
  const sent = parameters.signedHeaders.every((name) => Object.hasOwn(headers, name));
  if (!sameText(computeSignature(signingKey, text), parameters.signature) || !sent)
    throw signatureMismatch(parameters, {
      stringToSign: Buffer.from(text),
      canonicalRequest: Buffer.from(canonical, 'latin1'),
    });
}

/** The details show a developer what was signed here, for comparison with what the client signed. */
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

/** Compares in constant time, unless the lengths differ. */
export function sameText(a: string, b: string): boolean {
  const bytesA = Buffer.from(a);
  const bytesB = Buffer.from(b);
  return bytesA.length === bytesB.length && timingSafeEqual(bytesA, bytesB);
}

function isoSeconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
