/**
 * Signature version 2. The oldest regions of AWS still accept it, and boto3 and the AWS CLI still use it by default for
 * presigned URLs and forms in us-east-1. In an Authorization header it is refused, as in newer regions.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Credentials } from '../s3/index.ts';
import {
  computeSignature,
  deriveSigningKey,
  formatAmzDate,
  S3AuthError,
  signatureMismatch,
  type VerifiedRequest,
} from '../s3/internal.ts';
import type { Call } from './call.ts';

/** The regions of AWS from before 2014. */
const signatureV2Regions: ReadonlySet<string> = new Set([
  'us-east-1',
  'us-west-1',
  'us-west-2',
  'eu-west-1',
  'ap-southeast-1',
  'ap-southeast-2',
  'ap-northeast-1',
  'sa-east-1',
]);

export function acceptsSignatureV2(region: string): boolean {
  return signatureV2Regions.has(region);
}

export function isSignatureV2({ query }: Pick<Call, 'query'>): boolean {
  return query.has('AWSAccessKeyId') || (query.has('Signature') && !query.has('X-Amz-Signature'));
}

type Lookup = (accessKeyId: string) => Credentials | undefined;

/** @throws S3AuthError */
export function verifyPresignedV2(call: Call, lookup: Lookup, now: number): VerifiedRequest {
  const { query } = call;
  const accessKeyId = query.get('AWSAccessKeyId');
  const expires = query.get('Expires');
  const signature = query.get('Signature');
  if (!accessKeyId || !expires || !signature)
    throw new S3AuthError(
      'AccessDenied',
      'Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters',
    );
  const credentials = findCredentials(lookup, accessKeyId, readHeaderOrQuery(call, 'x-amz-security-token'));
  if (!/^\d{1,12}$/.test(expires))
    throw new S3AuthError('AccessDenied', `Invalid date (should be seconds since epoch): ${expires}`);
  if (now > Number(expires) * 1000)
    throw new S3AuthError('AccessDenied', 'Request has expired', {
      Expires: new Date(Number(expires) * 1000).toISOString(),
      ServerTime: new Date(now).toISOString(),
    });
  const text = stringToSign(call, expires);
  checkSignature(text, signature, credentials);
  return {
    accessKeyId,
    kind: 'query',
    signedHeaders: [],
    payload: { kind: 'unsigned' },
    signature,
    scope: '',
    date: '',
    signingKey: Buffer.alloc(0),
  };
}

/** Signers may move headers into the query, so both places are read. */
function readHeaderOrQuery({ headers, query }: Call, name: string): string | undefined {
  return headers.get(name) ?? query.get(name);
}

const subresources: ReadonlySet<string> = new Set([
  ...['acl', 'accelerate', 'cors', 'delete', 'lifecycle', 'location', 'logging', 'notification', 'partNumber'],
  ...['policy', 'requestPayment', 'restore', 'tagging', 'torrent', 'uploadId', 'uploads', 'versionId', 'versioning'],
  ...['versions', 'website', 'object-lock', 'retention', 'legal-hold', 'response-cache-control'],
  ...['response-content-disposition', 'response-content-encoding', 'response-content-language'],
  ...['response-content-type', 'response-expires'],
]);

function stringToSign(call: Call, expires: string): string {
  const { method, query, headers, rawPath, target } = call;
  const amz = new Map<string, string>();
  for (const source of [query, headers])
    for (const [name, value] of source)
      if (name.toLowerCase().startsWith('x-amz-')) amz.set(name.toLowerCase(), value.trim());
  const amzLines = [...amz.keys()].sort().map((name) => `${name}:${amz.get(name)}\n`);
  const named = [...query]
    .filter(([name]) => subresources.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`));
  const isPathStyle = rawPath === `/${target.bucket}` || rawPath.startsWith(`/${target.bucket}/`);
  const resource = isPathStyle || target.bucket === undefined ? rawPath : `/${target.bucket}${rawPath}`;
  const tail = named.length > 0 ? `?${named.join('&')}` : '';
  const lines = [
    method,
    readHeaderOrQuery(call, 'content-md5') ?? '',
    readHeaderOrQuery(call, 'content-type') ?? '',
    expires,
  ];
  return `${lines.join('\n')}\n${amzLines.join('')}${resource}${tail}`;
}

function findCredentials(lookup: Lookup, accessKeyId: string, token: string | undefined): Credentials {
  const credentials = lookup(accessKeyId);
  if (!credentials || (credentials.sessionToken && !token))
    throw new S3AuthError('InvalidAccessKeyId', 'The AWS Access Key Id you provided does not exist in our records.', {
      AWSAccessKeyId: accessKeyId,
    });
  if (token !== undefined && token !== credentials.sessionToken)
    throw new S3AuthError('InvalidToken', 'The provided token is malformed or otherwise invalid.');
  return credentials;
}

function checkSignature(text: string, signature: string, { accessKeyId, secretAccessKey }: Credentials): void {
  const expected = createHmac('sha1', secretAccessKey).update(text, 'latin1').digest();
  const given = Buffer.from(signature, 'base64');
  if (given.length === expected.length && timingSafeEqual(given, expected)) return;
  throw signatureMismatch({ accessKeyId, signature }, { stringToSign: Buffer.from(text, 'latin1') });
}

export type Fields = readonly (readonly [name: string, value: string])[];

export function isFormV2(fields: Fields): boolean {
  const names = new Set(fields.map(([name]) => name.toLowerCase()));
  return (names.has('signature') || names.has('awsaccesskeyid')) && !names.has('x-amz-signature');
}

/**
 * Verifies the version 2 signature of a policy, then converts the form to version 4 for the policy verifier: it adds
 * the fields of version 4 with their conditions and signs the result.
 * @throws S3AuthError
 */
export function convertFormToV4(fields: Fields, lookup: Lookup, region: string, now: number): [string, string][] {
  const value = (name: string) => fields.find(([field]) => field.toLowerCase() === name)?.[1];
  const [policy, accessKeyId, signature] = ['policy', 'awsaccesskeyid', 'signature'].map(value);
  for (const [name, found] of [
    ['policy', policy],
    ['AWSAccessKeyId', accessKeyId],
    ['Signature', signature],
  ] as const)
    if (!found)
      throw new S3AuthError(
        'InvalidArgument',
        `Bucket POST must contain a field named '${name}'.  If it is specified, please check the order of the fields.`,
        { ArgumentName: name, ArgumentValue: '' },
      );
  const credentials = findCredentials(lookup, accessKeyId ?? '', value('x-amz-security-token'));
  checkSignature(policy ?? '', signature ?? '', credentials);
  const date = formatAmzDate(now);
  const day = date.slice(0, 8);
  const added = {
    'x-amz-algorithm': 'AWS4-HMAC-SHA256',
    'x-amz-credential': `${accessKeyId}/${day}/${region}/s3/aws4_request`,
    'x-amz-date': date,
  };
  const amended = amendPolicy(policy ?? '', added);
  const signingKey = deriveSigningKey(credentials.secretAccessKey, day, region);
  const kept = fields.filter(([name]) => !/^(policy|awsaccesskeyid|signature)$/i.test(name));
  return [
    ...kept.map(([name, text]): [string, string] => [name, text]),
    ...Object.entries(added),
    ['policy', amended],
    ['x-amz-signature', computeSignature(signingKey, amended)],
  ];
}

/** An invalid policy is returned unchanged, because the policy parser reports what is wrong with it. */
function amendPolicy(policy: string, added: Readonly<Record<string, string>>): string {
  try {
    // Policies may escape the dollar sign, which JSON does not allow.
    const json = Buffer.from(policy, 'base64')
      .toString()
      .replace(/\\(.)/g, (whole, char) => (char === '$' ? '$' : whole));
    const document: unknown = JSON.parse(json);
    const { conditions } = document as { conditions?: unknown };
    if (!Array.isArray(conditions)) return policy;
    return Buffer.from(
      JSON.stringify({
        ...(document as object),
        conditions: [...conditions, ...Object.entries(added).map(([name, value]) => ({ [name]: value }))],
      }),
    ).toString('base64');
  } catch {
    return policy;
  }
}
