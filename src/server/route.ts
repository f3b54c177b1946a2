import { randomBytes } from 'node:crypto';
import { isContentType, maxObjectBytes, type RouteTypes, WaybillError } from '../protocol/index.ts';
import { checkOptions, type OptionCheck, type OptionTable } from './shared/check-options.ts';
import type { StandardSchema } from './shared/standard-schema.ts';
import type { Authorize, ErasedDefinition, Owner, Route, RouteDefinition, RouteTypesOf } from './types.ts';

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

/** An object with at least one of the three. */
export const quotaRule = 'an object with `maxBytes`, `maxFiles` or `maxPendingBytes`: whole numbers';
export const isQuota: OptionCheck = (value) => {
  if (typeof value !== 'object' || value === null) return false;
  const entries = Object.entries(value);
  return (
    entries.length > 0 &&
    entries.every(
      ([name, most]) =>
        ['maxBytes', 'maxFiles', 'maxPendingBytes'].includes(name) && Number.isSafeInteger(most) && most >= 0,
    )
  );
};
const isFunction: OptionCheck = (value) => typeof value === 'function';
const isCount =
  (min: number, max: number): OptionCheck =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
const isList =
  (item: (text: string) => boolean): OptionCheck =>
  (value) =>
    Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string' && item(one));

const routeOptions: OptionTable = [
  ['limits', 'an object with `maxBytes`', (value) => typeof value === 'object' && value !== null, true],
  ['authorize', 'a function; a public route says `authorize: anyone`', isFunction, true],
  ['metadata', 'a Standard Schema', isStandardSchema],
  ['authorizeView', 'a function', isFunction],
  ['authorizeDelete', 'a function', isFunction],
  ['key', 'a function', isFunction],
  ['replace', 'true or false', (value) => typeof value === 'boolean'],
  ['inspect', 'a function', isFunction],
  ['onComplete', 'a function', isFunction],
  ['integrity', "'checksum' or 'size-only'", (value) => value === 'checksum' || value === 'size-only'],
  [
    'quota',
    `${quotaRule}, or a function of the context that returns one`,
    (value) => isFunction(value) || isQuota(value),
  ],
  ['dedupe', 'true or false', (value) => typeof value === 'boolean'],
  ['cacheControl', 'a header value', (value) => typeof value === 'string' && /^[\x20-\x7e]{1,200}$/.test(value)],
];

const limitOptions: OptionTable = [
  [
    'maxBytes',
    `a whole number of bytes from 0 to ${maxObjectBytes} (50 TB, the largest object of S3)`,
    isCount(0, maxObjectBytes),
    true,
  ],
  ['minBytes', 'a whole number of bytes', isCount(0, maxObjectBytes)],
  ['maxFiles', 'a whole number from 1 to 1,000', isCount(1, 1000)],
  ['contentTypes', "a list such as ['image/*', 'application/pdf']", isList(isPattern)],
  [
    'extensions',
    "a list such as ['png', 'jpg'], lower case without dots",
    isList((text) => /^[a-z0-9]{1,16}$/.test(text)),
  ],
];

function isPattern(text: string): boolean {
  return text === '*/*' || isContentType(text.endsWith('/*') ? text.replace('*', 'any') : text);
}

function isStandardSchema(value: unknown): boolean {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  const standard = (value as { '~standard'?: { validate?: unknown } })['~standard'];
  return typeof standard?.validate === 'function';
}

function checkDefinition(definition: ErasedDefinition): void {
  if (typeof definition !== 'object' || definition === null)
    throw new WaybillError('config_invalid', 'route() takes an object.');
  checkOptions('A route', definition, routeOptions);
  checkOptions("A route's `limits`", definition.limits, limitOptions);
  if (definition.replace && !definition.key)
    throw new WaybillError('config_invalid', 'A route with `replace` needs `key`: the default keys never come again.');
  if (definition.replace && definition.dedupe)
    throw new WaybillError('config_invalid', 'A route has `replace` or `dedupe`: a shared file cannot be replaced.');
  if ((definition.limits.minBytes ?? 1) > definition.limits.maxBytes)
    throw new WaybillError('config_invalid', "A route's `limits.minBytes` is above its `maxBytes`.");
}
