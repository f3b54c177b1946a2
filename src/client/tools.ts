/**
 * The functions that are passed to modules that are loaded later. If those modules imported them, the bundler would
 * move the shared code out of the page's bundle into another chunk.
 */
import { retryAfter } from './answers.ts';
import { assertShape } from './api.ts';
import { createBatcher } from './batcher.ts';
import { checksumOf, readRange } from './checksum.ts';
import type { ClientContext } from './context.ts';
import { failure, throwNetworkError, toFailure } from './errors.ts';
import { race } from './race.ts';
import { toSource } from './source.ts';
import type { Run } from './steps.ts';

const maxProbeMs = 30_000;

/**
 * Waits until the platform reports a connection, or for a limited time: browsers behind some VPNs and in some virtual
 * machines never report a connection, although the server answers. Call it only after a failed request.
 *
 * @param tries how many waits came before this one; each wait is twice as long as the last, up to 30 seconds
 * @returns false, without waiting, when the platform reports a connection
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
      timer = setTimeout(resolve, Math.min(maxProbeMs, 1000 * 2 ** tries));
      connection.then(resolve);
    },
    stop,
  );
  stop();
  report({ waiting: null });
  return true;
}

/**
 * Creates an idempotency key of 144 random bits. Undefined on platforms without WebCrypto, where a repeated call
 * creates another upload.
 */
export function createKey(): string | undefined {
  return globalThis.crypto && btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(18))));
}

/** Starts the call and does not wait for it, because a grant that is not given back expires anyway. */
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
  throwNetworkError,
  race,
  readRange,
  retryAfter,
  toFailure,
  toSource,
  waitForNetwork,
};
export type Tools = typeof tools;
