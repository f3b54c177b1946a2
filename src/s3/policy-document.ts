/**
 * Parses the policy of a POST form. Conditions have four notations; each becomes one test of the form's fields.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
 */
import { S3AuthError } from './auth-error.ts';

export type Condition =
  | { kind: 'eq' | 'starts-with'; field: string; value: string }
  | { kind: 'content-length-range'; min: number; max: number }
  /** A well-formed condition that no form can meet. */
  | { kind: 'never'; text: string };

export interface PolicyDocument {
  /** Milliseconds since the epoch. */
  expiration: number;
  conditions: readonly Condition[];
}

/**
 * @throws S3AuthError InvalidPolicyDocument also for a condition that is not understood: ignoring it would be unsafe
 */
export function parsePolicy(base64: string): PolicyDocument {
  const document = parseJson(Buffer.from(base64, 'base64').toString());
  if (!isRecord(document)) throw invalidPolicy('Invalid JSON.');
  const { expiration, conditions } = document;
  if (expiration === undefined) throw invalidPolicy('Policy missing expiration.');
  if (!Array.isArray(conditions)) throw invalidPolicy('Policy missing conditions.');
  return { expiration: parseExpiration(expiration), conditions: conditions.map(parseCondition) };
}

function parseJson(text: string): unknown {
  try {
    // AWS also accepts the escapes \$ and \v, which JSON does not have.
    return JSON.parse(text.replace(/\\(.)/g, (pair, char) => (char === '$' ? '$' : char === 'v' ? '\\u000b' : pair)));
  } catch {
    throw invalidPolicy('Invalid JSON.');
  }
}

function parseExpiration(value: unknown): number {
  const shape = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/;
  const ms = typeof value === 'string' && shape.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(ms)) throw invalidPolicy(`Invalid 'expiration' value: '${String(value)}'`);
  return ms;
}

function parseCondition(condition: unknown): Condition {
  if (Array.isArray(condition)) return parseOperator(condition);
  if (!isRecord(condition)) throw invalidPolicy('Expecting a condition.');
  const [[name, value] = ['', undefined], ...rest] = Object.entries(condition);
  if (value === undefined || rest.length > 0)
    throw invalidPolicy('Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.');
  if (typeof value !== 'string') throw invalidPolicy('Invalid Simple-Condition: value must be a string.');
  return { kind: 'eq', field: name.toLowerCase(), value };
}

function parseOperator([operator, first, second, ...rest]: unknown[]): Condition {
  const kind = typeof operator === 'string' ? operator.toLowerCase() : '';
  if (rest.length > 0 || second === undefined) throw invalidPolicy(`Condition '${kind}' must have two arguments.`);
  if (kind === 'content-length-range') {
    if ([first, second].some((end) => typeof end === 'string' && !/^-?\d+$/.test(end)))
      return { kind: 'never', text: conditionText(kind, first, second) };
    const [min, max] = [byteCount(first), byteCount(second)];
    if (min > max) throw invalidPolicy('content-length-range must not be empty.');
    return { kind, min, max };
  }
  if (kind !== 'eq' && kind !== 'starts-with') throw invalidPolicy(`Unknown condition operation '${kind}'.`);
  // AWS treats a name without "$" as a field that no form has.
  if (typeof first === 'string' && !first.startsWith('$') && typeof second === 'string')
    return { kind: 'never', text: conditionText(kind, first, second) };
  if (typeof first !== 'string' || first === '$' || typeof second !== 'string')
    throw invalidPolicy(`Condition '${kind}' must name a field as "$field" and give a string.`);
  return { kind, field: first.slice(1).toLowerCase(), value: second };
}

/** The notation of a condition in the messages of AWS. */
function conditionText(...parts: unknown[]): string {
  return `[${parts.map((part) => JSON.stringify(part)).join(', ')}]`;
}

/** Some signers send the number as a string. */
function byteCount(value: unknown): number {
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0)
    throw invalidPolicy('content-length-range must have non-negative integers.');
  return number;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalidPolicy(problem: string): S3AuthError {
  return new S3AuthError('InvalidPolicyDocument', `Invalid Policy: ${problem}`);
}
