/** Where a tracer looks in. Not a dependency: OpenTelemetry is five lines of the app's own, see docs/operations.md. */
import type { Storage } from '../../s3/index.ts';
import type { ErasedDefinition } from '../types.ts';

/**
 * Runs `run` and passes on what comes of it, with a span or a timer around. Names are `waybill.<operation>` for a
 * request, `waybill.storage.<operation>`, `waybill.onComplete`, `waybill.inspect` and `waybill.sweep`; attributes are a
 * route or nothing: never a key, an owner, a URL.
 *
 * @example (name, attributes, run) => tracer.startActiveSpan(name, { attributes }, (span) => run().finally(() =>
 * span.end()))
 */
export type Instrument = <T>(
  name: `waybill.${string}`,
  attributes: Readonly<Record<string, string>>,
  run: () => Promise<T>,
) => Promise<T>;

/** What goes over the network. Presigning does not. */
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

/** @param around is told which operation, and runs it */
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

/** The app's callbacks that work on their own account; those of a request are inside its span. */
export function instrumentCallbacks(
  route: string,
  definition: ErasedDefinition,
  instrument: Instrument | undefined,
): ErasedDefinition {
  const { onComplete, inspect } = definition;
  if (!instrument) return definition;
  const around =
    <Input, Result>(name: 'onComplete' | 'inspect', callback: (input: Input) => Result | Promise<Result>) =>
    (input: Input): Promise<Result> =>
      instrument(`waybill.${name}`, { route }, async () => callback.call(definition, input));
  return {
    ...definition,
    ...(onComplete ? { onComplete: around('onComplete', onComplete) } : {}),
    ...(inspect ? { inspect: around<Parameters<typeof inspect>[0], Verdict>('inspect', inspect) } : {}),
  };
}

type Verdict = Awaited<ReturnType<NonNullable<ErasedDefinition['inspect']>>>;
