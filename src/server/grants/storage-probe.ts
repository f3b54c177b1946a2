/**
 * A look at the storage beside the first permission, so that a wrong bucket, key or host is noticed by the server and not only
 * by people who have sent all of a file. Nobody waits for it. What it finds is an event, and for some seconds the answer to
 * everyone who asks for a permission.
 */
import { isWaybillError, type WaybillError } from '../../protocol/index.ts';
import { toWaybillError } from '../../s3/internal.ts';
import type { Config } from '../config.ts';
import type { Emit } from '../events.ts';
import { describe } from '../shared/describe.ts';

/** @throws {WaybillError} `storage_rejected` while the storage is known to be set up wrongly */
export type ProbeStorage = () => void;

const rememberedMs = 5000;

export function createStorageProbe(
  { storage, stagingPrefix, now }: Pick<Config, 'storage' | 'stagingPrefix' | 'now'>,
  emit: Emit | undefined,
): ProbeStorage {
  let answered = false;
  let looking = false;
  let fault: { error: WaybillError; at: number } | undefined;

  async function look(): Promise<void> {
    try {
      // Not a HEAD, which names no reason: a missing bucket looks like a missing object.
      await storage.list({ prefix: stagingPrefix, maxKeys: 1 });
      answered = true;
    } catch (error) {
      const known = toWaybillError(error);
      if (!isWaybillError(known)) return;
      const { storageCode } = (known.details ?? {}) as { storageCode?: string };
      emit?.('storage.fault', {
        ...(storageCode === undefined ? {} : { storageCode }),
        message: known.message,
        reason: describe(known.cause ?? known),
      });
      // A policy may forbid the list alone.
      if (known.code !== 'storage_rejected' || storageCode === 'AccessDenied') answered = true;
      else fault = { error: known, at: now() };
    } finally {
      looking = false;
    }
  }

  return () => {
    if (answered) return;
    if (fault && now() - fault.at < rememberedMs) throw fault.error;
    if (looking) return;
    looking = true;
    void look();
  };
}
