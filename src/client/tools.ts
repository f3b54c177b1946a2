/** Steps that every way of sending takes; and all that chunks need of this room, which would tear the bundle if they imported it. */
import { retryAfter } from './answers.ts';
import { createBatcher } from './batcher.ts';
import { checksumOf, readRange } from './checksum.ts';
import { failure, toFailure } from './errors.ts';
import type { JourneyContext, Report } from './journey.ts';
import { race } from './race.ts';
import { toSource } from './source.ts';

const longestProbeMs = 30_000;

/**
 * Waits until the platform reports a connection, or until it is time to try again all the same: browsers behind some VPNs
 * and in some virtual machines report none for ever, although the server answers. Call it after a failed request only.
 *
 * @param tries how often it was waited before; each wait is twice as long, up to 30 seconds
 * @returns false at once when the platform reports a connection
 */
export async function waitForNetwork(
  { online }: JourneyContext,
  signal: AbortSignal,
  report: (report: Report) => void,
  tries: number,
): Promise<boolean> {
  const connection = online();
  if (!connection) return false;
  report({ waiting: 'offline' });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = () => clearTimeout(timer);
  await race<void>(
    signal,
    (resolve) => {
      timer = setTimeout(resolve, Math.min(longestProbeMs, 1000 * 2 ** tries));
      connection.then(resolve);
    },
    stop,
  );
  stop();
  report({ waiting: null });
  return true;
}

/** An idempotency key: 144 random bits. Undefined on platforms without WebCrypto: then a repeated call is another upload. */
export function createKey(): string | undefined {
  return globalThis.crypto && btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(18))));
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
  createKey,
  failure,
  giveBack,
  race,
  readRange,
  retryAfter,
  toFailure,
  toSource,
  waitForNetwork,
};
export type Tools = typeof tools;
