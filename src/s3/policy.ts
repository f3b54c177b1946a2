/**
 * Is this POST form the one that was signed? Every field must be covered by a condition, every condition must hold.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-authentication-HTTPPOST.html
 */
import { S3AuthError } from './auth-error.ts';
import { parseCredential } from './claims.ts';
import { parseAmzDate } from './dates.ts';
import { type Condition, parsePolicy } from './policy-document.ts';
import { algorithm, signatureOf } from './sign.ts';
import { signingKeyOf } from './signing-key.ts';
import type { Credentials } from './types.ts';
import { checkCredentials, sameText, signatureMismatch } from './verify.ts';

export interface PolicyToVerify {
  /**
   * The form's fields before `file`, in order, each once; names in any case. `${filename}` must already be expanded in
   * `key`: AWS compares conditions with the key that will be stored.
   */
  fields: Iterable<readonly [name: string, value: string]>;
  /** Of the URL. It counts as a field: a policy that does not name its bucket is refused. */
  bucket: string;
  lookup(accessKeyId: string): Credentials | undefined;
  /** Milliseconds since the epoch. */
  now: number;
  /** @default 900 */
  maxSkewSeconds?: number;
  /** @default any region the credential names */
  region?: string | undefined;
}

export interface VerifiedPolicy {
  accessKeyId: string;
  /** Lower-case names. */
  fields: ReadonlyMap<string, string>;
  /** For {@link checkContentLength}, once the file's size is known. Both ends are allowed. */
  contentLengthRange: { min: number; max: number } | undefined;
  scope: string;
  date: string;
  signature: string;
}

/** These need no condition. `x-ignore-*` neither. */
const uncovered: ReadonlySet<string> = new Set(['policy', 'x-amz-signature', 'file', 'awsaccesskeyid', 'signature']);

/** @throws S3AuthError with AWS's code, status and message */
export function verifyPolicy(options: PolicyToVerify): VerifiedPolicy {
  const fields = readFields(options.fields);
  if (fields.has('bucket') && fields.get('bucket') !== options.bucket) throw refused('Bucket does not match.');
  const policy = required(fields, 'policy');
  const claims = formClaims(fields, options.region);
  const credentials = checkCredentials(claims, options);
  const signingKey = signingKeyOf(credentials, claims.day, claims.region);
  if (!sameText(signatureOf(signingKey, policy), claims.signature))
    throw signatureMismatch(claims, { stringToSign: Buffer.from(policy) });

  const { expiration, conditions } = parsePolicy(policy);
  if (expiration <= options.now) throw refused('Policy expired.');
  checkDate(claims.signedAt, options);
  const covered = new Map([...fields, ['bucket', options.bucket]]);
  for (const condition of conditions) checkCondition(condition, covered);
  checkCoverage(conditions, covered);
  return {
    accessKeyId: claims.accessKeyId,
    fields,
    contentLengthRange: narrowest(conditions),
    scope: claims.scope,
    date: claims.date,
    signature: claims.signature,
  };
}

/** @throws S3AuthError EntityTooLarge, EntityTooSmall. Call it early with what has arrived so far, too. */
export function checkContentLength(range: VerifiedPolicy['contentLengthRange'], size: number, complete = true): void {
  if (!range) return;
  if (size > range.max)
    throw new S3AuthError('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size', {
      ProposedSize: String(size),
      MaxSizeAllowed: String(range.max),
    });
  if (complete && size < range.min)
    throw new S3AuthError('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size', {
      ProposedSize: String(size),
      MinSizeAllowed: String(range.min),
    });
}

function readFields(entries: PolicyToVerify['fields']): Map<string, string> {
  const fields = new Map<string, string>();
  for (const [name, value] of entries) {
    const field = name.toLowerCase();
    if (fields.has(field))
      throw new S3AuthError('InvalidArgument', `The form field '${field}' must be given once.`, {
        ArgumentName: field,
      });
    fields.set(field, value);
  }
  return fields;
}

function required(fields: ReadonlyMap<string, string>, name: string): string {
  const value = fields.get(name.toLowerCase());
  if (value) return value;
  throw new S3AuthError(
    'InvalidArgument',
    `Bucket POST must contain a field named '${name}'.  If it is specified, please check the order of the fields.`,
    { ArgumentName: name, ArgumentValue: '' },
  );
}

function formClaims(fields: ReadonlyMap<string, string>, region: string | undefined) {
  const fail = (message: string): never => {
    throw new S3AuthError('InvalidArgument', message);
  };
  if (!fields.has('x-amz-algorithm') && fields.has('signature'))
    throw new S3AuthError(
      'InvalidRequest',
      `The authorization mechanism you have provided is not supported. Please use ${algorithm}.`,
    );
  required(fields, 'key');
  if (required(fields, 'X-Amz-Algorithm') !== algorithm) fail(`X-Amz-Algorithm only supports "${algorithm}"`);
  const credential = required(fields, 'X-Amz-Credential');
  const date = required(fields, 'X-Amz-Date');
  const signature = required(fields, 'X-Amz-Signature');
  const signedAt = parseAmzDate(date);
  if (Number.isNaN(signedAt)) fail("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
  const scoped = parseCredential(credential, date, { service: 's3', region }, (message) =>
    fail(`Error parsing the X-Amz-Credential parameter; ${message}`),
  );
  return { ...scoped, date, signedAt, signature, sessionToken: fields.get('x-amz-security-token') };
}

/** A signing key lives for seven days, and none is for tomorrow. */
function checkDate(signedAt: number, { now, maxSkewSeconds = 900 }: PolicyToVerify): void {
  if (signedAt > now + maxSkewSeconds * 1000) throw new S3AuthError('AccessDenied', 'Request is not yet valid');
  if (now > signedAt + 604_800_000) throw refused('Policy expired.');
}

function checkCondition(condition: Condition, fields: ReadonlyMap<string, string>): void {
  if (condition.kind === 'content-length-range') return;
  if (condition.kind === 'never') throw refused(`Policy Condition failed: ${condition.text}`);
  const { kind, field, value } = condition;
  const actual = fields.get(field);
  if (actual !== undefined && holds(kind, field, actual, value)) return;
  throw refused(`Policy Condition failed: ["${kind}", "$${field}", ${JSON.stringify(value)}]`);
}

function holds(kind: 'eq' | 'starts-with', field: string, actual: string, value: string): boolean {
  if (kind === 'eq') return actual === value;
  // AWS reads a Content-Type under starts-with as a list, each of whose items has to start so.
  const items = field === 'content-type' ? actual.split(',') : [actual];
  return items.every((item) => item.startsWith(value));
}

function checkCoverage(conditions: readonly Condition[], fields: ReadonlyMap<string, string>): void {
  const named = new Set(conditions.map((condition) => ('field' in condition ? condition.field : '')));
  const extra = [...fields.keys()].filter(
    (field) => !named.has(field) && !uncovered.has(field) && !field.startsWith('x-ignore-'),
  );
  if (extra.length > 0) throw refused(`Extra input fields: ${extra.join(', ')}`);
}

/** Several ranges all have to hold. */
function narrowest(conditions: readonly Condition[]): VerifiedPolicy['contentLengthRange'] {
  const ranges = conditions.filter((condition) => condition.kind === 'content-length-range');
  if (ranges.length === 0) return undefined;
  return { min: Math.max(...ranges.map(({ min }) => min)), max: Math.min(...ranges.map(({ max }) => max)) };
}

function refused(reason: string): S3AuthError {
  return new S3AuthError('AccessDenied', `Invalid according to Policy: ${reason}`);
}
