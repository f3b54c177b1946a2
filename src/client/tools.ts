/**
 * What modules that are loaded later get handed, because an import would move the shared code out of a page's bundle.
 */
import { retryAfter } from './answers.ts';
import { assertShape } from './api.ts';
import { createBatcher } from './batcher.ts';
import { checksumOf, readRange } from './checksum.ts';
import type { ClientContext } from './context.ts';
import { failure, missing, toFailure } from './errors.ts';
import { race } from './race.ts';
import { toSource } from './source.ts';
import type { Run } from './steps.ts';

const longestProbeMs = 30_000;

/**
 * Waits until the platform reports a connection, or until it is time to try all the same: browsers behind some VPNs and
 * in some virtual machines never report one, although the server answers. Call it only after a failed request.
 *
 * @param tries how often it was waited before; each wait is twice as long, up to 30 seconds
 * @returns false at once when the platform reports a connection
 */
export async function waitForNetwork(
  { online }: ClientContext,
  { signal, report }: Pick<Run, 'signal' | 'report'>,
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

/**
 * An idempotency key: 144 random bits. Undefined on platforms without WebCrypto, where a repeated call is another
 * upload.
 */
export function createKey(): string | undefined {
  return globalThis.crypto && btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(18))));
}

/** Starts the call and does not wait: a grant that is not given back expires. */
export function giveBack(context: ClientContext, grant: string | undefined): void {
  if (grant)
    context
      .loadRecovery()
      .then((recovery) => recovery.giveBack(tools, context, grant))
      .catch(() => {});
}

export const tools = {
  assertShape,
  checksumOf,
  createBatcher,
  createKey,
  failure,
  giveBack,
  missing,
  race,
  readRange,
  retryAfter,
  toFailure,
  toSource,
  waitForNetwork,
};
export type Tools = typeof tools;
