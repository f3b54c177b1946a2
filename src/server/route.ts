import { randomBytes } from 'node:crypto';
import { isContentType, type Limits, maxObjectBytes, type RouteTypes, WaybillError } from '../protocol/index.ts';
import {
  booleanRule,
  checkOptions,
  functionRule,
  isListOf,
  isMatchingText,
  isObject,
  isWholeNumber,
  type OptionRule,
  type OptionTable,
  wholeNumberRule,
} from '../protocol/internal.ts';
import type { Authorize, Owner } from './callback-inputs.ts';
import type { ErasedDefinition, Route, RouteDefinition, RouteTypesOf } from './route-definition.ts';
import type { StandardSchema } from './shared/standard-schema.ts';

/** A route that everyone may use, each upload on its own: holding the grant is the permission. */
export const anyone: Authorize<Owner> = Object.assign(() => ({ ownerId: randomBytes(16).toString('hex') }), {
  [Symbol.for('waybill.anyone')]: true,
});

/** Also across two copies of the package. */
export function isAnyone(authorize: unknown): boolean {
  return typeof authorize === 'function' && Symbol.for('waybill.anyone') in authorize;
}

/**
 * One kind of upload: its limits, who may send, and what happens with the file.
 *
 * @example
 * route({ limits: { contentTypes: ['image/*'], maxBytes: 5 * MiB }, authorize: ({ request }) => session(request) })
 * @throws {WaybillError} `config_invalid` for a missing, unknown or impossible option
 */
export function route<Context extends Owner, Data = null, Schema extends StandardSchema | undefined = undefined>(
  definition: RouteDefinition<Schema, Context, Data>,
): Route<RouteTypesOf<Schema, Data>> {
  checkDefinition(definition as unknown as ErasedDefinition);
  return { definition: Object.freeze({ ...definition }) as unknown as ErasedDefinition };
}

export type AnyRoute = Route<RouteTypes>;

const quotaNames: ReadonlySet<string> = new Set(['maxBytes', 'maxFiles', 'maxPendingBytes']);
const isQuotaValue = isWholeNumber(0, Number.MAX_SAFE_INTEGER);

function isQuota(value: unknown): boolean {
  if (!isObject(value)) return false;
  const entries = Object.entries(value);
  return entries.length > 0 && entries.every(([name, most]) => quotaNames.has(name) && isQuotaValue(most));
}

/** At least one of the three limits. */
export const quotaRule: OptionRule = {
  expected: 'an object with `maxBytes`, `maxFiles` or `maxPendingBytes`: whole numbers',
  isValid: isQuota,
};

const ownerOrFunctionRule: OptionRule = {
  expected: "'owner' or a function",
  isValid: (value) => value === 'owner' || functionRule.isValid(value),
};

const routeOptions: OptionTable<ErasedDefinition> = {
  limits: { expected: 'an object with `maxBytes`', isValid: isObject, required: true },
  authorize: {
    expected: 'a function; a public route sets `authorize: anyone`',
    isValid: functionRule.isValid,
    required: true,
  },
  metadata: { expected: 'a Standard Schema', isValid: isStandardSchema },
  authorizeView: functionRule,
  authorizeDelete: functionRule,
  authorizeList: ownerOrFunctionRule,
  authorizeRename: ownerOrFunctionRule,
  key: functionRule,
  replace: booleanRule,
  inspect: functionRule,
  onComplete: functionRule,
  onReject: functionRule,
  onExpire: functionRule,
  onDelete: functionRule,
  integrity: {
    expected: "'checksum' or 'size-only'",
    isValid: (value) => value === 'checksum' || value === 'size-only',
  },
  quota: {
    expected: `${quotaRule.expected}, or a function of the context that returns one`,
    isValid: (value) => functionRule.isValid(value) || isQuota(value),
  },
  dedupe: booleanRule,
  cacheControl: { expected: 'a header value', isValid: isMatchingText(/^[\x20-\x7e]{1,200}$/) },
};

const isByteCount = isWholeNumber(0, maxObjectBytes);

const limitOptions: OptionTable<Limits> = {
  maxBytes: {
    expected: `a whole number of bytes from 0 to ${maxObjectBytes} (50 TB, the largest object of S3)`,
    isValid: isByteCount,
    required: true,
  },
  minBytes: { expected: 'a whole number of bytes', isValid: isByteCount },
  maxFiles: wholeNumberRule(1, 1000),
  contentTypes: { expected: "a list such as ['image/*', 'application/pdf']", isValid: isListOf(isTypePattern) },
  extensions: {
    expected: "a list such as ['png', 'jpg'], lower case without dots",
    isValid: isListOf(isMatchingText(/^[a-z0-9]{1,16}$/)),
  },
};

function isTypePattern(value: unknown): boolean {
  if (typeof value !== 'string') return false;
  return value === '*/*' || isContentType(value.endsWith('/*') ? value.replace('*', 'any') : value);
}

function isStandardSchema(value: unknown): boolean {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  const standard = (value as { '~standard'?: { validate?: unknown } })['~standard'];
  return typeof standard?.validate === 'function';
}

function checkDefinition(definition: ErasedDefinition): void {
  checkOptions('route()', definition, routeOptions);
  checkOptions("A route's `limits`", definition.limits, limitOptions);
  for (const option of ['authorizeList', 'authorizeRename'] as const)
    if (definition[option] === 'owner' && isAnyone(definition.authorize))
      throw new WaybillError(
        'config_invalid',
        `A route for \`anyone\` knows no owner: \`${option}\` must be a function, or be left out.`,
      );
  if (definition.replace && !definition.key)
    throw new WaybillError('config_invalid', 'A route with `replace` needs `key`: default keys are never used twice.');
  if (definition.replace && definition.dedupe)
    throw new WaybillError(
      'config_invalid',
      'A route cannot have both `replace` and `dedupe`: a shared file cannot be replaced.',
    );
  if ((definition.limits.minBytes ?? 1) > definition.limits.maxBytes)
    throw new WaybillError('config_invalid', "A route's `limits.minBytes` is above its `maxBytes`.");
}
