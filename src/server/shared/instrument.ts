/** The hook for tracers. Waybill depends on none: docs/operations.md shows how to connect OpenTelemetry. */
import type { Storage } from '../../s3/index.ts';
import type { ErasedDefinition } from '../route-definition.ts';

/**
 * Runs `run` inside a span or a timer, and returns its result. Names are `waybill.<operation>` for a
 * request, `waybill.storage.<operation>`, `waybill.sweep`, and for callbacks `waybill.inspect`,
 * `waybill.onComplete`, `waybill.onReject`, `waybill.onExpire` and `waybill.onDelete`. The only attribute is the route,
 * and never a key, an owner or a URL.
 *
 * @example (name, attributes, run) => tracer.startActiveSpan(name, { attributes }, (span) => run().finally(() =>
 * span.end()))
 */
export type Instrument = <T>(
  name: `waybill.${string}`,
  attributes: Readonly<Record<string, string>>,
  run: () => Promise<T>,
) => Promise<T>;

/** The operations that send a request. Presigning sends none. */
const calls = [
  'head',
  'get',
  'read',
  'put',
  'copy',
  'delete',
  'deleteMany',
  'list',
  'createMultipart',
  'listParts',
  'completeMultipart',
  'abortMultipart',
  'listMultiparts',
  'copyPart',
] as const satisfies readonly (keyof Storage)[];

/** @param around gets the name of the operation, and runs it */
export function instrumentStorage(
  storage: Storage,
  around: <T>(operation: (typeof calls)[number], run: () => Promise<T>) => Promise<T>,
): Storage {
  const wrapped: Record<string, unknown> = { ...storage };
  for (const operation of calls) {
    const call = storage[operation] as (...given: unknown[]) => Promise<unknown>;
    wrapped[operation] = (...given: unknown[]) => around(operation, () => call(...given));
  }
  return Object.freeze(wrapped) as unknown as Storage;
}

/** Wraps the callbacks that can run outside of a request. The others run inside the span of their request. */
export function instrumentCallbacks(
  route: string,
  definition: ErasedDefinition,
  instrument: Instrument | undefined,
): ErasedDefinition {
  if (!instrument) return definition;
  const wrapped: Record<string, unknown> = { ...definition };
  for (const name of backgroundCallbacks) {
    const callback = definition[name] as ((input: unknown) => unknown) | undefined;
    if (callback)
      wrapped[name] = (input: unknown) =>
        instrument(`waybill.${name}`, { route }, async () => callback.call(definition, input));
  }
  return wrapped as unknown as ErasedDefinition;
}

const backgroundCallbacks = [
  'inspect',
  'onComplete',
  'onReject',
  'onExpire',
  'onDelete',
] as const satisfies readonly (keyof ErasedDefinition)[];
