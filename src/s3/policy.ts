/**
 * Verifies a POST form against its signed policy: every field must be covered by a condition, and every condition
 * must hold. https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-authentication-HTTPPOST.html
 */
import { S3AuthError } from './auth-error.ts';
import { parseAmzDate } from './dates.ts';
import { type Condition, parsePolicy } from './policy-document.ts';
import { algorithm, computeSignature } from './sign.ts';
import { parseCredential } from './signature-parameters.ts';
import { getSigningKey } from './signing-key.ts';
import type { Credentials } from './types.ts';
import { checkCredentials, sameText, signatureMismatch } from './verify.ts';

export interface PolicyToVerify {
  /**
   * The form's fields before `file`, in order, each once; names in any case. `${filename}` must already be expanded in
   * `key`: AWS compares conditions with the key that will be stored.
   */
  fields: Iterable<readonly [name: string, value: string]>;
  /** The bucket of the URL. It counts as a field: a policy that does not name its bucket is refused. */
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
  /** For {@link checkContentLength}. Both ends are inclusive. */
  contentLengthRange: { min: number; max: number } | undefined;
  scope: string;
  date: string;
  signature: string;
}

/** Fields that need no condition, in addition to `x-ignore-*`. */
const exemptFields: ReadonlySet<string> = new Set(['policy', 'x-amz-signature', 'file', 'awsaccesskeyid', 'signature']);

/** @throws S3AuthError with AWS's code, status and message */
export function verifyPolicy(options: PolicyToVerify): VerifiedPolicy {
  const fields = readFields(options.fields);
  if (fields.has('bucket') && fields.get('bucket') !== options.bucket) throw policyViolation('Bucket does not match.');
  const policy = requireField(fields, 'policy');
  const parameters = parseFormSignature(fields, options.region);
  const credentials = checkCredentials(parameters, options);
  const signingKey = getSigningKey(credentials, parameters.day, parameters.region);
  if (!sameText(computeSignature(signingKey, policy), parameters.signature))
    throw signatureMismatch(parameters, { stringToSign: Buffer.from(policy) });

  const { expiration, conditions } = parsePolicy(policy);
  if (expiration <= options.now) throw policyViolation('Policy expired.');
  checkDate(parameters.signedAt, options);
  const covered = new Map([...fields, ['bucket', options.bucket]]);
  for (const condition of conditions) checkCondition(condition, covered);
  checkEveryFieldIsCovered(conditions, covered);
  return {
    accessKeyId: parameters.accessKeyId,
    fields,
    contentLengthRange: intersectRanges(conditions),
    scope: parameters.scope,
    date: parameters.date,
    signature: parameters.signature,
  };
}

/**
 * @param complete false while the file is still arriving, when only the maximum is checked
 * @throws S3AuthError EntityTooLarge, EntityTooSmall
 */
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

function requireField(fields: ReadonlyMap<string, string>, name: string): string {
  const value = fields.get(name.toLowerCase());
  if (value) return value;
  throw new S3AuthError(
    'InvalidArgument',
    `Bucket POST must contain a field named '${name}'.  If it is specified, please check the order of the fields.`,
    { ArgumentName: name, ArgumentValue: '' },
  );
}

function parseFormSignature(fields: ReadonlyMap<string, string>, region: string | undefined) {
  const fail = (message: string): never => {
    throw new S3AuthError('InvalidArgument', message);
  };
  if (!fields.has('x-amz-algorithm') && fields.has('signature'))
    throw new S3AuthError(
      'InvalidRequest',
      `The authorization mechanism you have provided is not supported. Please use ${algorithm}.`,
    );
  requireField(fields, 'key');
  if (requireField(fields, 'X-Amz-Algorithm') !== algorithm) fail(`X-Amz-Algorithm only supports "${algorithm}"`);
  const credential = requireField(fields, 'X-Amz-Credential');
  const date = requireField(fields, 'X-Amz-Date');
  const signature = requireField(fields, 'X-Amz-Signature');
  const signedAt = parseAmzDate(date);
  if (Number.isNaN(signedAt)) fail("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
  const scoped = parseCredential(credential, date, { service: 's3', region }, (message) =>
    fail(`Error parsing the X-Amz-Credential parameter; ${message}`),
  );
  return { ...scoped, date, signedAt, signature, sessionToken: fields.get('x-amz-security-token') };
}

/** A signing key is valid for seven days. */
function checkDate(signedAt: number, { now, maxSkewSeconds = 900 }: PolicyToVerify): void {
  if (signedAt > now + maxSkewSeconds * 1000) throw new S3AuthError('AccessDenied', 'Request is not yet valid');
  if (now > signedAt + 604_800_000) throw policyViolation('Policy expired.');
}

function checkCondition(condition: Condition, fields: ReadonlyMap<string, string>): void {
  if (condition.kind === 'content-length-range') return;
  if (condition.kind === 'never') throw policyViolation(`Policy Condition failed: ${condition.text}`);
  const { kind, field, value } = condition;
  const actual = fields.get(field);
  if (actual !== undefined && conditionHolds(kind, field, actual, value)) return;
  throw policyViolation(`Policy Condition failed: ["${kind}", "$${field}", ${JSON.stringify(value)}]`);
}

function conditionHolds(kind: 'eq' | 'starts-with', field: string, actual: string, value: string): boolean {
  if (kind === 'eq') return actual === value;
  // AWS treats a Content-Type under starts-with as a list, and every item must start with the value.
  const items = field === 'content-type' ? actual.split(',') : [actual];
  return items.every((item) => item.startsWith(value));
}

function checkEveryFieldIsCovered(conditions: readonly Condition[], fields: ReadonlyMap<string, string>): void {
  const named = new Set(conditions.map((condition) => ('field' in condition ? condition.field : '')));
  const extra = [...fields.keys()].filter(
    (field) => !named.has(field) && !exemptFields.has(field) && !field.startsWith('x-ignore-'),
  );
  if (extra.length > 0) throw policyViolation(`Extra input fields: ${extra.join(', ')}`);
}

/** A policy with several ranges requires all of them. */
function intersectRanges(conditions: readonly Condition[]): VerifiedPolicy['contentLengthRange'] {
  const ranges = conditions.filter((condition) => condition.kind === 'content-length-range');
  if (ranges.length === 0) return undefined;
  return { min: Math.max(...ranges.map(({ min }) => min)), max: Math.min(...ranges.map(({ max }) => max)) };
}

function policyViolation(reason: string): S3AuthError {
  return new S3AuthError('AccessDenied', `Invalid according to Policy: ${reason}`);
}
