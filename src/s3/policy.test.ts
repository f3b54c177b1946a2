/** Verification of POST policies, with the errors of AWS. The first form is the example of AWS. */
import { describe, expect, it } from 'vitest';
import { S3AuthError } from './auth-error.ts';
import { checkContentLength, type PolicyToVerify, verifyPolicy } from './policy.ts';
import { computeSignature } from './sign.ts';
import { deriveSigningKey } from './signing-key.ts';
import { s3Storage } from './storage.ts';
import type { Credentials, PresignFormOptions } from './types.ts';

const now = Date.UTC(2015, 11, 29, 12);
const credentials: Credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' };
const bucket = 'user-content';

type Fields = Record<string, string>;
type Policy = { expiration?: unknown; conditions?: unknown };

/** Signs any policy, as a faulty server or another tool would. */
function form(policy: Policy | string, fields: Fields = {}, who = credentials): Fields {
  const text = typeof policy === 'string' ? policy : JSON.stringify(policy);
  const base64 = Buffer.from(text).toString('base64');
  return {
    key: 'a.txt',
    'x-amz-algorithm': 'AWS4-HMAC-SHA256',
    'x-amz-credential': `${who.accessKeyId}/20151229/us-east-1/s3/aws4_request`,
    'x-amz-date': '20151229T120000Z',
    ...fields,
    policy: base64,
    'x-amz-signature': computeSignature(deriveSigningKey(who.secretAccessKey, '20151229', 'us-east-1'), base64),
  };
}

const expiration = '2015-12-30T12:00:00.000Z';
const common = [
  { bucket },
  ['starts-with', '$x-amz-algorithm', ''],
  ['starts-with', '$x-amz-credential', ''],
  ['starts-with', '$x-amz-date', ''],
];
const conditions = (...more: unknown[]): Policy => ({ expiration, conditions: [...common, ...more] });
const anyKey = ['starts-with', '$key', ''];

function verify(fields: Fields, options: Partial<PolicyToVerify> = {}) {
  const lookup = (id: string) => (id === credentials.accessKeyId ? credentials : undefined);
  return verifyPolicy({ fields: Object.entries(fields), bucket, now, lookup, ...options });
}

function refusal(act: () => unknown): string {
  try {
    act();
    return 'accepted';
  } catch (error) {
    if (!(error instanceof S3AuthError)) throw error;
    return `${error.status} ${error.code}: ${error.message}`;
  }
}

const outcome = (fields: Fields, options: Partial<PolicyToVerify> = {}) => refusal(() => verify(fields, options));
const against = (reason: string) => `403 AccessDenied: Invalid according to Policy: ${reason}`;

// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-post-example.html
it("accepts AWS's example", () => {
  const policy = `{ "expiration": "2015-12-30T12:00:00.000Z",\r
  "conditions": [\r
    {"bucket": "sigv4examplebucket"},\r
    ["starts-with", "$key", "user/user1/"],\r
    {"acl": "public-read"},\r
    {"success_action_redirect": "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html"},\r
    ["starts-with", "$Content-Type", "image/"],\r
    {"x-amz-meta-uuid": "14365123651274"},\r
    {"x-amz-server-side-encryption": "AES256"},\r
    ["starts-with", "$x-amz-meta-tag", ""],\r
\r
    {"x-amz-credential": "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request"},\r
    {"x-amz-algorithm": "AWS4-HMAC-SHA256"},\r
    {"x-amz-date": "20151229T000000Z" }\r
  ]\r
}`;
  const example = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };
  const fields = {
    key: 'user/user1/photo.jpg',
    acl: 'public-read',
    success_action_redirect: 'http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html',
    'Content-Type': 'image/jpeg',
    'x-amz-meta-uuid': '14365123651274',
    'x-amz-server-side-encryption': 'AES256',
    'X-Amz-Credential': 'AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request',
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Date': '20151229T000000Z',
    'x-amz-meta-tag': '',
    Policy: Buffer.from(policy).toString('base64'),
    'X-Amz-Signature': '8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e',
  };
  const options = { bucket: 'sigv4examplebucket', lookup: () => example };
  expect(verify(fields, options)).toMatchObject({ accessKeyId: 'AKIAIOSFODNN7EXAMPLE', contentLengthRange: undefined });
  expect(outcome({ ...fields, key: 'user/user2/photo.jpg' }, options)).toBe(
    against('Policy Condition failed: ["starts-with", "$key", "user/user1/"]'),
  );
  expect(outcome({ ...fields, acl: 'private' }, options)).toBe(
    against('Policy Condition failed: ["eq", "$acl", "public-read"]'),
  );
});

describe('a form of presignForm()', () => {
  const options: PresignFormOptions = {
    key: 'incoming/a b"\\é.jpg',
    size: 5,
    contentType: 'image/jpeg',
    checksum: { algorithm: 'sha256', value: 'ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=' },
    metadata: { waybill: 'receipt' },
    expiresInSeconds: 60,
  };
  const storage = s3Storage({
    bucket,
    endpoint: 'http://store.test',
    credentials,
    capabilities: 'devstore',
    now: () => now,
  });
  const fields = storage.presignForm(options).fields ?? {};

  it('is accepted', () => {
    expect(verify(fields)).toMatchObject({ contentLengthRange: { min: 5, max: 5 } });
  });

  it.each([
    ['key', 'incoming/other.jpg'],
    ['key', 'incoming/A b"\\é.jpg'],
    ['Content-Type', 'text/html'],
    ['Content-Type', 'image/jpeg,text/html'],
    ['x-amz-checksum-sha256', '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='],
    ['x-amz-meta-waybill', 'other'],
  ])('is refused with %s = %j', (name, value) => {
    expect(outcome({ ...fields, [name]: value })).toContain(`Policy Condition failed: ["eq", "$${name.toLowerCase()}"`);
  });

  it.each([
    'key',
    'Content-Type',
    'x-amz-checksum-sha256',
    'x-amz-meta-waybill',
    'policy',
    'x-amz-signature',
    'x-amz-date',
    'x-amz-credential',
    'x-amz-algorithm',
  ])('is refused without %s', (name) => {
    const { [name]: _, ...rest } = fields;
    expect(outcome(rest)).toMatch(
      /^(403 AccessDenied: Invalid according to Policy: Policy Condition failed|400 InvalidArgument: Bucket POST must contain a field named)/,
    );
  });

  it.each(['acl', 'Content-Encoding', 'success_action_redirect', 'x-amz-meta-other', 'submit', 'tagging'])(
    'is refused with the additional field %s',
    (name) => {
      expect(outcome({ ...fields, [name]: 'a' })).toBe(against(`Extra input fields: ${name.toLowerCase()}`));
    },
  );

  it('is valid for one bucket', () => {
    expect(outcome(fields, { bucket: 'other' })).toBe(
      against('Policy Condition failed: ["eq", "$bucket", "user-content"]'),
    );
    expect(outcome({ ...fields, bucket: 'other' }, { bucket: 'other' })).toContain('Policy Condition failed');
    expect(outcome({ ...fields, bucket: 'other' })).toContain('Bucket does not match');
  });

  it('is refused after it expires', () => {
    expect(outcome(fields, { now: now + 59_999 })).toBe('accepted');
    expect(outcome(fields, { now: now + 60_000 })).toBe(against('Policy expired.'));
  });

  it('carries a session token that is verified', () => {
    const temporary = { ...credentials, sessionToken: 'tok' };
    const tokenFields =
      s3Storage({ bucket, credentials: temporary, capabilities: 'devstore', now: () => now }).presignForm(options)
        .fields ?? {};
    const lookup = () => temporary;
    expect(outcome(tokenFields, { lookup })).toBe('accepted');
    expect(outcome({ ...tokenFields, 'x-amz-security-token': 'other' }, { lookup })).toContain('400 InvalidToken');
    const { 'x-amz-security-token': _, ...rest } = tokenFields;
    expect(outcome(rest, { lookup })).toContain('403 InvalidAccessKeyId');
    expect(outcome(tokenFields)).toContain('400 InvalidToken');
  });
});

describe('a policy signature', () => {
  const fields = form(conditions(anyKey));
  it('of another policy is refused', () => {
    const other = form(conditions(anyKey, ['content-length-range', 0, 1]));
    expect(outcome({ ...fields, policy: other.policy ?? '' })).toContain('403 SignatureDoesNotMatch');
  });
  it('of an unknown key is refused', () => {
    expect(outcome(fields, { lookup: () => undefined })).toContain('403 InvalidAccessKeyId');
  });
  it('for another region is refused', () => {
    expect(outcome(fields, { region: 'eu-west-1' })).toContain(
      "400 InvalidArgument: Error parsing the X-Amz-Credential parameter; the region 'us-east-1' is wrong",
    );
  });
  it('of another day than its date is refused', () => {
    expect(outcome({ ...fields, 'x-amz-date': '20151230T000000Z' })).toContain('Invalid credential date');
  });
  it('is valid for one week, and not before its date', () => {
    const long = form({ ...conditions(anyKey), expiration: '2030-01-01T00:00:00Z' });
    expect(outcome(long, { now: now + 604_800_000 })).toBe('accepted');
    expect(outcome(long, { now: now + 604_800_001 })).toBe(against('Policy expired.'));
    expect(outcome(long, { now: now - 900_000 })).toBe('accepted');
    expect(outcome(long, { now: now - 900_001 })).toBe('403 AccessDenied: Request is not yet valid');
  });
  it('of version 2 is refused', () => {
    expect(outcome({ key: 'a', AWSAccessKeyId: 'a', policy: 'e30=', signature: 'b' })).toContain('400 InvalidRequest');
  });
});

describe('conditions', () => {
  it.each<[string, Policy, Fields]>([
    ['names in any case', conditions(['StArTs-WiTh', '$KeY', 'a'], { AcL: 'private' }), { acl: 'private' }],
    ['eq as an operator', conditions(['eq', '$key', 'a.txt']), {}],
    ['an empty prefix', conditions(anyKey, ['starts-with', '$acl', '']), { acl: '' }],
    [
      'a list of types that all start so',
      conditions(anyKey, ['starts-with', '$Content-Type', 'image/']),
      { 'Content-Type': 'image/png,image/gif' },
    ],
    ['fields to ignore', conditions(anyKey), { 'x-ignore-me': 'a' }],
    ['ranges as text', conditions(anyKey, ['content-length-range', '0', '5']), {}],
    [
      "AWS's own escape",
      `{"expiration":"${expiration}","conditions":[{"bucket":"${bucket}"},["starts-with","$x-amz-algorithm",""],["starts-with","$x-amz-credential",""],["starts-with","$x-amz-date",""],["eq","$key","\\$a"]]}`,
      { key: '$a' },
    ] as never,
  ])('may be %s', (_what, policy, fields) => {
    expect(outcome(form(policy, fields))).toBe('accepted');
  });

  it.each<[string, Policy, Fields, string]>([
    ['equality, not a prefix', conditions({ key: 'a' }), {}, 'Policy Condition failed: ["eq", "$key", "a"]'],
    [
      'a prefix in another case',
      conditions(['starts-with', '$key', 'A']),
      {},
      'Policy Condition failed: ["starts-with", "$key", "A"]',
    ],
    [
      'a field that is not there',
      conditions(anyKey, { acl: 'private' }),
      {},
      'Policy Condition failed: ["eq", "$acl", "private"]',
    ],
    [
      'an empty prefix of a field that is not there',
      conditions(anyKey, ['starts-with', '$acl', '']),
      {},
      'Policy Condition failed: ["starts-with", "$acl", ""]',
    ],
    [
      'a list with another type',
      conditions(anyKey, ['starts-with', '$Content-Type', 'image/']),
      { 'Content-Type': 'image/png,text/html' },
      'Policy Condition failed: ["starts-with", "$content-type", "image/"]',
    ],
    [
      'all of several',
      conditions(anyKey, ['starts-with', '$key', 'a'], ['starts-with', '$key', 'b']),
      {},
      'Policy Condition failed: ["starts-with", "$key", "b"]',
    ],
    [
      'a field without its dollar, which no form has',
      conditions(anyKey, ['eq', 'key', 'a']),
      {},
      'Policy Condition failed: ["eq", "key", "a"]',
    ],
    [
      'a range that is no number, which no size meets',
      conditions(anyKey, ['content-length-range', 'test', '10']),
      {},
      'Policy Condition failed: ["content-length-range", "test", "10"]',
    ],
    ['every field', conditions(anyKey), { acl: 'private', tagging: 'x' }, 'Extra input fields: acl, tagging'],
    ['the key', conditions(), {}, 'Extra input fields: key'],
    ['the bucket', { expiration, conditions: [...common.slice(1), anyKey] }, {}, 'Extra input fields: bucket'],
  ])('are enforced: %s', (_what, policy, fields, reason) => {
    expect(outcome(form(policy, fields))).toBe(against(reason));
  });

  it('compare content types as lists only with starts-with', () => {
    const policy = conditions(anyKey, ['starts-with', '$x-amz-meta-list', 'a']);
    expect(outcome(form(policy, { 'x-amz-meta-list': 'a,b' }))).toBe('accepted');
  });

  it.each<[string, Policy | string]>([
    ['not JSON', 'nonsense'],
    ['not an object', '[]'],
    ['no expiration', { conditions: [] }],
    ['an expiration with another case of its name', { EXPIRATION: expiration, conditions: [] } as Policy],
    ['an expiration without a zone', { expiration: '2015-12-30 12:00:00', conditions: [] }],
    ['an impossible expiration', { expiration: '2015-13-30T12:00:00Z', conditions: [] }],
    ['no conditions', { expiration }],
    ['conditions that are not an array', { expiration, conditions: {} }],
    ['an empty condition', conditions({})],
    ['two properties in one condition', conditions({ key: 'a', acl: 'b' })],
    ['a number as value', conditions({ key: 1 })],
    ['a scalar', conditions('key')],
    ['null', conditions(null)],
    ['too few arguments', conditions(['starts-with', '$key'])],
    ['too many arguments', conditions(['eq', '$key', 'a', 'b'])],
    ['an unknown operator', conditions(['ends-with', '$key', 'a'])],
    ['a range with one end', conditions(['content-length-range', 0])],
    ['a negative range', conditions(['content-length-range', -1, 5])],
    ['a range with its ends exchanged', conditions(['content-length-range', 5, 4])],
    ['a fraction', conditions(['content-length-range', 0, 1.5])],
  ])('with %s make the policy invalid', (_what, policy) => {
    expect(outcome(form(policy))).toMatch(/^400 InvalidPolicyDocument: Invalid Policy: /);
  });

  it('are not parsed when the signature is wrong', () => {
    const fields = { ...form('nonsense'), 'x-amz-signature': 'a'.repeat(64) };
    expect(outcome(fields)).toContain('SignatureDoesNotMatch');
  });

  it('require each field to be given once', () => {
    const fields = Object.entries(form(conditions(anyKey)));
    const twice = refusal(() => verify({}, { fields: [...fields, ['KEY', 'b']] }));
    expect(twice).toBe("400 InvalidArgument: The form field 'key' must be given once.");
  });
});

describe('checkContentLength()', () => {
  const range = (...ranges: [number, number][]) =>
    verify(form(conditions(anyKey, ...ranges.map((ends) => ['content-length-range', ...ends])))).contentLengthRange;

  it.each([
    [4, '400 EntityTooSmall: Your proposed upload is smaller than the minimum allowed size'],
    [5, 'accepted'],
    [7, 'accepted'],
    [8, '400 EntityTooLarge: Your proposed upload exceeds the maximum allowed size'],
  ])('answers %i bytes for 5 to 7 with %s', (size, expected) => {
    expect(refusal(() => checkContentLength(range([5, 7]), size))).toBe(expected);
  });

  it('checks the maximum while the file arrives', () => {
    expect(refusal(() => checkContentLength(range([5, 7]), 1, false))).toBe('accepted');
    expect(refusal(() => checkContentLength(range([5, 7]), 8, false))).toContain('EntityTooLarge');
  });

  it('requires the size to be in every range', () => {
    expect(range([0, 9], [5, 20])).toEqual({ min: 5, max: 9 });
  });

  it('allows every size without a range', () => {
    expect(refusal(() => checkContentLength(range(), 1e12))).toBe('accepted');
  });
});
