/** Steps that every way of sending takes; and all that chunks need of this room, which would tear the bundle if they imported it. */
import type { WaybillError } from '../protocol/index.ts';
import { createBatcher } from './batcher.ts';
import { checksumOf, readRange } from './checksum.ts';
import { failure, isFailure } from './errors.ts';
import type { JourneyContext, Report } from './journey.ts';
import { race } from './race.ts';
import { toSource } from './source.ts';

/** Waits while there is no connection. */
export async function settle(
  { online }: JourneyContext,
  signal: AbortSignal,
  report: (report: Report) => void,
): Promise<void> {
  const connection = online();
  if (connection) {
    report({ waiting: 'offline' });
    await race<void>(signal, (resolve) => connection.then(resolve));
    report({ waiting: null });
  }
}

/** What is not ours is a bug, here or in a callback. */
export function toFailure(cause: unknown): WaybillError {
  return isFailure(cause) ? cause : failure('internal_error', `${cause}`, { cause });
}

/** Nobody waits for it: a grant that is not given back expires. */
export function giveBack(context: JourneyContext, grant: string | undefined): void {
  if (grant)
    context.recovery().then(
      (recovery) => recovery.giveBack(tools, context, grant),
      () => {},
    );
}

export const tools = {
  checksumOf,
  createBatcher,
  failure,
  giveBack,
  race,
  readRange,
  settle,
  toFailure,
  toSource,
};
export type Tools = typeof tools;
